/** What a sweep prints: a line for each trial, for people or as JSON. */
import type { RecordedTrial } from '@lockstep/search';
import type { SetAside, Sweep, SweepRun } from '@lockstep/sweep';
import { plural } from '../display/format.ts';
import { fittedTable } from '../display/table.ts';
import { type Stream, widthOf } from '../terminal.ts';

export interface SweepDisplay {
  started(facts: SweepStart): void;
  note(message: string): void;
  begun(run: SweepRun, name: string): void;
  recorded(trial: RecordedTrial): void;
  ended(ending: SweepEnding): void;
}

export interface SweepStart {
  readonly folder: string;
  readonly name: string;
  readonly sweep: Sweep;
  readonly profile: string;
  readonly workers: number;
  readonly threads: number;
  readonly endpoint: string;
  /** Trials whose results an earlier process has recorded. */
  readonly numRecorded: number;
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
    started: ({ folder, sweep: { trials, repeats }, numRecorded, ...rest }) => {
      const { name, profile, workers, threads, endpoint } = rest;
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
      });
    },
    note: (message) => write('note', { message }),
    begun: ({ trial, repeat, seed, params }, run) => write('begun', { trial, repeat, seed, params, run }),
    recorded: ({ number, params, result: { status, values, spreads, reason } }) =>
      write('trial', { trial: number, params, status, value: values[0], spread: spreads?.[0], reason }),
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

export function createPeopleSweepDisplay(out: Stream): SweepDisplay {
  const line = (text: string) => out.write(`  ${text}\n`);
  let metric = '';
  return {
    started: ({ name, sweep, profile, workers, threads, numRecorded, folder }) => {
      const { trials, repeats, search, objective } = sweep;
      metric = objective.metric;
      const each = repeats === 1 ? '' : ` × ${repeats} seeds`;
      const on = `${plural(workers, 'worker')} × ${plural(threads, 'thread')}`;
      line(`${name} · ${search.name} · ${plural(trials, 'trial')}${each} · profile ${profile} · ${on}`);
      line(`${folder}${numRecorded === 0 ? '' : `: ${plural(numRecorded, 'trial')} recorded already`}`);
    },
    note: line,
    begun: () => undefined,
    recorded: ({ number, params, result }) =>
      line(`trial ${String(number).padStart(3)}  ${metric} ${valueText(result)}  ${paramsText(params)}`),
    ended: (ending) => {
      if (ending.type === 'interrupted') {
        line(`stopped after ${plural(ending.numRecorded, 'trial')}; ${resumeWith(ending.folder)} goes on`);
        return;
      }
      if (ending.type === 'incomplete') {
        for (const { trial, repeat, params, reason } of ending.aside)
          line(`! trial ${trial}, repeat ${repeat} is set aside: ${paramsText(params)}: ${reason}`);
        line(`incomplete: no table; ${resumeWith(ending.folder)} tries again`);
        return;
      }
      for (const row of tableLines(ending.trials, metric, widthOf(out))) line(row);
      const { best, tableSha256, folder } = ending;
      const winner =
        best === undefined
          ? 'no trial has a value'
          : `best: trial ${best.number}, ${paramsText(best.params)}`;
      line(`✓ ${winner}`);
      line(`table ${tableSha256}   sweep ${folder}`);
    },
  };
}

/** One row for each trial, in the order of their numbers. */
function tableLines(trials: readonly RecordedTrial[], metric: string, width: number): readonly string[] {
  const names = [...new Set(trials.flatMap(({ params }) => Object.keys(params)))].sort();
  const column = (heading: string, cellOf: (trial: RecordedTrial) => string) => ({
    ...{ heading, isNumeric: true, cells: trials.map(cellOf) },
  });
  const columns = [
    column('trial', ({ number }) => `${number}`),
    column(metric, ({ result }) => (result.status === 'failed' ? 'failed' : valueText(result))),
    ...names.map((name) => column(name, ({ params }) => shortText(params[name]))),
  ];
  return fittedTable(columns, width).lines;
}

function valueText({ status, steps, values: [value], spreads, reason }: RecordedTrial['result']): string {
  if (value === undefined) return `failed (${reason?.split('\n')[0]})`;
  const spread = spreads?.[0];
  const pruned = status === 'pruned' ? `, pruned at step ${steps}` : '';
  return `${shortText(value)}${spread === null || spread === undefined ? '' : ` ± ${spread.toPrecision(2)}`}${pruned}`;
}

const paramsText = (params: RecordedTrial['params']): string =>
  Object.entries(params)
    .map(([name, value]) => `${name}=${shortText(value)}`)
    .join(' ');

/** Four digits for people; the table has all of them. */
function shortText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'number' && !Number.isInteger(value)
    ? `${Number(value.toPrecision(4))}`
    : `${value}`;
}
