/** What a sweep prints: a line for each trial, for people or as JSON. */
import type { RecordedTrial } from '@lockstep/search';
import type { SetAside, Sweep, SweepRun } from '@lockstep/sweep';
import { coloured } from '../display/colour.ts';
import { plural } from '../display/format.ts';
import { createMovingLines } from '../display/moving-lines.ts';
import { fittedTable } from '../display/table.ts';
import { rowsOf, type Stream, widthOf } from '../terminal.ts';
import type { Estimate } from './estimate.ts';
import { createLiveTable, type LiveTable } from './live-table.ts';
import { paramsText, shortText, valueText } from './trial-table.ts';

/** What the training of a sweep tells. */
export interface TrainingDisplay {
  started(facts: SweepStart): void;
  note(message: string): void;
  begun(run: SweepRun, name: string): void;
  recorded(trial: RecordedTrial): void;
  step?(run: SweepRun, step: number, totalSteps: number | undefined): void;
  /** A run is no longer trained, or waits at a rung. */
  ranUntil?(run: SweepRun): void;
}

export interface SweepDisplay extends TrainingDisplay {
  /** `texts`: what people read of it. */
  estimated(estimate: Estimate, texts: readonly string[]): void;
  ended(ending: SweepEnding): void;
  /** An error ends the sweep, which somebody else reports. */
  failed(folder: string): void;
}

export interface SweepStart {
  readonly folder: string;
  readonly name: string;
  readonly sweep: Sweep;
  readonly profile: string;
  readonly workers: number;
  readonly threads: number;
  readonly endpoint: string;
  /** The address for workers of other machines. */
  readonly join: string;
  /** Trials whose results an earlier process has recorded. */
  readonly recorded: readonly RecordedTrial[];
}

export type SweepEnding =
  | {
      readonly type: 'done';
      readonly tableSha256: string;
      readonly best: RecordedTrial | undefined;
      /** In a sweep with several objectives: the complete trials that no other one beats. */
      readonly front: readonly RecordedTrial[] | undefined;
      readonly trials: readonly RecordedTrial[];
      readonly folder: string;
    }
  /** Runs are set aside, so the sweep has no table. */
  | {
      readonly type: 'incomplete';
      readonly aside: readonly SetAside[];
      readonly numRecorded: number;
      readonly folder: string;
    }
  | { readonly type: 'interrupted'; readonly numRecorded: number; readonly folder: string };

const resumeWith = (folder: string): string => `lockstep sweep --resume ${folder}`;

const bestOf = (best: RecordedTrial | undefined) =>
  best === undefined ? null : { trial: best.number, params: best.params, value: best.result.values[0] };

const onFront = ({ number, params, result }: RecordedTrial) => ({
  ...{ trial: number, params, values: result.values },
});

export function createJsonSweepDisplay(out: Stream): SweepDisplay {
  const write = (event: string, facts: object) => out.write(`${JSON.stringify({ event, ...facts })}\n`);
  return {
    started: ({ folder, sweep: { trials, repeats }, recorded, ...rest }) => {
      const { name, profile, workers, threads, endpoint, join } = rest;
      const numRecorded = recorded.length;
      write('started', {
        name,
        sweep: folder,
        trials,
        repeats,
        numRecorded,
        profile,
        workers,
        threads,
        endpoint,
        join,
      });
    },
    note: (message) => write('note', { message }),
    estimated: (estimate) => write('estimated', { ...estimate }),
    begun: ({ trial, repeat, seed, params }, run) => write('begun', { trial, repeat, seed, params, run }),
    recorded: ({ number, params, result: { status, values, spreads, reason } }) =>
      write('trial', { trial: number, params, status, value: values[0], spread: spreads?.[0], reason }),
    failed: (folder) => write('failed', { sweep: folder }),
    ended: (ending) => {
      const { folder } = ending;
      if (ending.type === 'interrupted') {
        return write('interrupted', { trials: ending.numRecorded, sweep: folder });
      }
      if (ending.type === 'incomplete') {
        const { aside, numRecorded } = ending;
        return write('incomplete', { setAside: aside, trials: numRecorded, sweep: folder });
      }
      const { tableSha256, best, front, trials } = ending;
      write('done', {
        ...{ tableSha256, best: bestOf(best) },
        ...(front && { front: front.map(onFront) }),
        ...{ trials: trials.length, sweep: folder },
      });
    },
  };
}

/** Lines that the live table may take. */
const maxLiveLines = 12;
/** The least time between two drawings of them. */
const redrawMs = 100;

export function createPeopleSweepDisplay(
  out: Stream,
  now: () => number = () => performance.now(),
): SweepDisplay {
  const moving = createMovingLines(out);
  const line = (text: string) => moving.above(coloured(`  ${text}`, out));
  let metric = '';
  let live: LiveTable | undefined;
  let drawnAt = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    if (!out.isTTY || live === undefined || now() - drawnAt < redrawMs) return;
    drawnAt = now();
    // The last column stays free, because some terminals wrap there.
    const width = out.columns() - 1;
    const lines = live.lines(width, Math.min(maxLiveLines, rowsOf(out) - 1));
    moving.draw(lines.map((one) => one.slice(0, width)));
  };
  return {
    started: (start) => {
      const { name, sweep, profile, workers, threads, recorded, folder } = start;
      const { trials, repeats, search, objective, objectives } = sweep;
      metric = objective.metric;
      live = createLiveTable(objectives, trials, recorded);
      const each = repeats === 1 ? '' : ` × ${repeats} seeds`;
      const on = workers === 0 ? '' : ` · ${plural(workers, 'worker')} × ${plural(threads, 'thread')}`;
      line(`${name} · ${search.name} · ${plural(trials, 'trial')}${each} · profile ${profile}${on}`);
      const already = recorded.length === 0 ? '' : `: ${plural(recorded.length, 'trial')} recorded already`;
      line(`${folder}${already}`);
      const join = `lockstep worker --join ${start.join.replace(/^tcp:\/\//, '')}`;
      if (workers === 0) line(`waiting for workers: ${join}`);
      else if (!isOfThisMachine(start.endpoint)) line(`more workers may join: ${join}`);
      draw();
    },
    note: line,
    estimated: (_, texts) => texts.forEach((text) => void line(text)),
    begun: (run) => {
      live?.begun(run);
      draw();
    },
    step: (run, step, totalSteps) => {
      live?.step(run, step, totalSteps);
      draw();
    },
    ranUntil: (run) => {
      live?.ended(run);
      draw();
    },
    recorded: (trial) => {
      const { number, params, result } = trial;
      live?.recorded(trial);
      line(`trial ${String(number).padStart(3)}  ${metric} ${resultText(result)}  ${paramsText(params)}`);
      draw();
    },
    failed: (folder) => {
      moving.erase();
      out.write(`  the sweep stopped at an error; ${resumeWith(folder)} goes on\n`);
    },
    ended: (ending) => {
      moving.erase();
      for (const text of endingLines(ending, metric, widthOf(out))) {
        out.write(`${coloured(`  ${text}`, out)}\n`);
      }
    },
  };
}

const isOfThisMachine = (endpoint: string): boolean => /^tcp:\/\/(?:127\.|\[::1\])/.test(endpoint);

function endingLines(ending: SweepEnding, metric: string, width: number): readonly string[] {
  const { folder } = ending;
  switch (ending.type) {
    case 'interrupted':
      return [`stopped after ${plural(ending.numRecorded, 'trial')}; ${resumeWith(folder)} goes on`];
    case 'incomplete':
      return [
        ...ending.aside.map(
          ({ trial, repeat, params, reason }) =>
            `! trial ${trial}, repeat ${repeat} is set aside: ${paramsText(params)}: ${reason}`,
        ),
        `incomplete: no table; ${resumeWith(folder)} tries again`,
      ];
    case 'done': {
      const { best, tableSha256, trials } = ending;
      const winner =
        best === undefined
          ? 'no trial has a value'
          : `best: trial ${best.number}, ${paramsText(best.params)}`;
      return [...tableLines(trials, metric, width), `✓ ${winner}`, `table ${tableSha256}   sweep ${folder}`];
    }
    default:
      return ending satisfies never;
  }
}

/** One row for each trial, in the order of their numbers. */
function tableLines(trials: readonly RecordedTrial[], metric: string, width: number): readonly string[] {
  const names = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))].sort();
  const column = (heading: string, cellOf: (trial: RecordedTrial) => string) => ({
    ...{ heading, isNumeric: true, cells: trials.map(cellOf) },
  });
  const columns = [
    column('trial', ({ number }) => `${number}`),
    column(metric, ({ result }) => (result.status === 'failed' ? 'failed' : resultText(result))),
    ...names.map((name) => column(name, ({ params }) => shortText(params[name]))),
  ];
  return fittedTable(columns, width).lines;
}

function resultText({ status, steps, values: [value], spreads, reason }: RecordedTrial['result']): string {
  if (status === 'cancelled') return 'cancelled';
  if (value === undefined) return `failed (${reason?.split('\n')[0]})`;
  const pruned = status === 'pruned' ? `, pruned at step ${steps}` : '';
  return `${valueText(value, spreads?.[0])}${pruned}`;
}
