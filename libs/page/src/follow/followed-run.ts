/** A run folder that is read as it grows. Runs that have ended are read in the same way, once. */
import { join } from 'node:path';
import { chainOf, identityOf, type RunRecord, readRunAround } from '@lockstep/records';
import {
  hashJson,
  type LogRecord,
  LogTail,
  logPath,
  readManifest,
  recordOf as recordIn,
} from '@lockstep/tracking';
import {
  type Curve,
  type CurveKind,
  GrowingProgram,
  type Points,
  type RunDelta,
  type RunFacts,
  type RunProgress,
  type RunView,
  type Summary,
  type Timeline,
  thin,
  timelineOf,
  type Window,
  type WorkerView,
  widthFor,
} from '@lockstep/view';
import { FollowedHistograms } from './followed-histograms.ts';
import { FollowedMetrics, takeFresh } from './metrics.ts';
import { commandText, machineText } from './texts.ts';
import { coarser, compact } from './thinned.ts';

export interface FollowOptions {
  /** Whether a process trains the run of this folder; undefined where nobody can say. */
  readonly isRunning: (folder: string) => boolean | undefined;
}

export interface RunFolder {
  readonly folder: string;
  /** What the page calls its run. Default: the name of the folder. */
  readonly name?: string;
}

/** Numbers of columns, to which curves and work are thinned. */
export interface Detail {
  readonly curveColumns: number;
  readonly workColumns: number;
  /** Steps of histograms. */
  readonly histogramSteps: number;
}

/** What was read of a folder. */
interface Contents {
  readonly tails: Record<'metrics' | 'events' | 'journal', LogTail>;
  readonly trace: LogTail;
  readonly program: GrowingProgram;
  readonly metrics: FollowedMetrics;
  readonly histograms: FollowedHistograms;
  readonly events: LogRecord[];
  readonly journal: LogRecord[];
}

export class FollowedRun {
  readonly folder: string;
  readonly #name: string;
  readonly #isRunning: FollowOptions['isRunning'];
  #contents: Contents;
  #record: RunRecord;
  #wasRunning: boolean | undefined;

  private constructor(
    { folder, name }: RunFolder,
    options: FollowOptions,
    contents: Contents,
    record: RunRecord,
  ) {
    this.folder = folder;
    this.#name = name ?? record.id;
    this.#isRunning = options.isRunning;
    this.#contents = contents;
    this.#record = record;
    this.#wasRunning = options.isRunning(folder);
    this.#fresh();
  }

  /** Reads all that is there. Throws `config` for a folder that is not one of a run. */
  static async open(place: RunFolder, options: FollowOptions): Promise<FollowedRun> {
    const { folder } = place;
    // A folder of another kind is refused before its files are read.
    await readRunAround(folder, { metrics: [], events: [], journal: [] });
    const contents = await readContents(folder);
    const record = await recordOf(folder, contents, options.isRunning(folder));
    return new FollowedRun(place, options, contents, record);
  }

  get isRunning(): boolean {
    return this.#record.status === 'running';
  }

  /**
   * Reads what was added. `same`: nothing was. `revised`: what was shown no longer holds, so that `view` must be asked again. Otherwise
   * the changes, as those of the run of this index. Throws `config` where the folder is gone; what was read of it stays.
   */
  async poll(index: number): Promise<'same' | 'revised' | RunDelta> {
    const { tails, metrics, events, journal, trace, program, histograms } = this.#contents;
    const read = {
      journal: await tails.journal.read((line) => void journal.push(line)),
      events: await tails.events.read((line) => void events.push(line)),
      metrics: await tails.metrics.read((line) => metrics.add(line)),
      trace: await trace.read((event) => program.add(event)),
      histograms: await histograms.read(),
    };
    const isRunning = this.#isRunning(this.folder);
    if (Object.values(read).includes('replaced')) {
      const contents = await readContents(this.folder);
      this.#record = await recordOf(this.folder, contents, isRunning);
      this.#contents = contents;
      this.#wasRunning = isRunning;
      this.#fresh();
      return 'revised';
    }
    const isTold = read.events === 'grown' || read.journal === 'grown' || isRunning !== this.#wasRunning;
    if (!isTold && [read.metrics, read.trace, read.histograms].every((change) => change === 'same'))
      return 'same';
    if (isTold) {
      this.#record = await recordOf(this.folder, this.#contents, isRunning);
      this.#wasRunning = isRunning;
    }
    // Both are asked, so that neither says it again.
    if ([metrics.takeRevised(), histograms.takeRevised()].includes(true)) return 'revised';
    return {
      run: index,
      progress: this.#progress(),
      ...(isTold && { facts: this.#facts(), timeline: this.#timeline() }),
      ...(read.trace === 'grown' && { program: program.get() }),
      ...this.#fresh(),
    };
  }

  /** Everything that was read, thinned. */
  view({ curveColumns, workColumns, histogramSteps }: Detail): RunView {
    const { program, metrics, histograms } = this.#contents;
    const { curves, workers } = metrics;
    return {
      facts: this.#facts(),
      progress: this.#progress(),
      curves: Object.fromEntries(
        [...curves].map(([name, { kind, series }]) => [
          name,
          { kind, curve: compact(thinned(series, curveColumns)) },
        ]),
      ),
      timeline: this.#timeline(),
      workers: [...workers].map(([worker, { rank, work }]) => ({
        worker,
        rank,
        work: coarser(work.get(), workColumns),
      })),
      program: program.get(),
      histograms: histograms.view(histogramSteps),
    };
  }

  /** The curves of some metrics in a window of steps. */
  window(window: Window, columns: number, names: readonly string[]): Readonly<Record<string, Curve>> {
    const width = widthFor(window.from, window.to, columns);
    return Object.fromEntries(
      names.flatMap((name) => {
        const curve = this.#contents.metrics.curves.get(name);
        return curve === undefined ? [] : [[name, compact(thin(curve.series, width, window))]];
      }),
    );
  }

  #facts(): RunFacts {
    const { name, created, seed, profile, params, config, data, programs, builds } = this.#record;
    const { versions, platform, machine, parent, command } = this.#record;
    const identity = identityOf(this.#record);
    return {
      ...{ id: this.#name, name, group: hashJson({ name, params, config }).slice(0, 12) },
      ...(created !== undefined && { created }),
      ...(seed !== undefined && { seed }),
      ...(profile !== undefined && { profile }),
      ...{ params, config },
      ...(command !== undefined && { command: commandText(command) }),
      ...(identity !== undefined && { identity }),
      ...(data !== undefined && { data }),
      ...{ programs, builds, versions },
      ...(platform !== undefined && { platform }),
      ...(machine !== undefined && { machine: machineText(machine) }),
      ...(parent !== undefined && { parent }),
    };
  }

  #progress(): RunProgress {
    const { status, totalSteps, steps, fingerprints, durationMs, checkpoints, warnings } = this.#record;
    const { lines } = this.#contents.metrics;
    const last = lines.find(({ fingerprint }) => typeof fingerprint === 'string');
    const known = fingerprints.at(-1);
    const isNewer = last !== undefined && Number(last.step) > (known?.step ?? -1);
    const chain = isNewer ? last.chain : chainOf(this.#record);
    return {
      ...{ status, steps: Math.max(steps, this.#contents.metrics.steps) },
      ...(totalSteps !== undefined && { totalSteps }),
      metrics: this.#summaries(),
      ...(known !== undefined && { fingerprint: known.fingerprint, fingerprintStep: known.step }),
      ...(isNewer && { fingerprint: String(last.fingerprint), fingerprintStep: Number(last.step) }),
      ...(typeof chain === 'string' && chain !== '' && { chain }),
      ...(durationMs !== undefined && { durationMs }),
      ...{ checkpoints, warnings: [...warnings, ...this.#damage()] },
    };
  }

  #damage(): readonly string[] {
    return Object.entries(this.#contents.tails).flatMap(([name, { numDamaged }]) =>
      numDamaged === 0
        ? []
        : [`${numDamaged} ${numDamaged === 1 ? 'line' : 'lines'} of ${name}.jsonl cannot be read`],
    );
  }

  #summaries(): Readonly<Record<string, Summary>> {
    const named = [...this.#contents.metrics.curves].flatMap(([name, curve]) => {
      const summary = curve.kind === 'derived' ? undefined : curve.summary();
      return summary === undefined ? [] : [[name, summary] as const];
    });
    return Object.fromEntries(named);
  }

  #timeline(): Timeline {
    return timelineOf(this.#contents.events, this.#contents.journal, this.#record.status === 'running');
  }

  /** Points, work and histograms that were not passed on. */
  #fresh(): Pick<RunDelta, 'curves' | 'workers' | 'histograms'> {
    const curves = [...this.#contents.metrics.curves].flatMap(([name, curve]) => {
      const points = curve.takeNew();
      return points === undefined ? [] : [[name, listed(curve.kind, points)] as const];
    });
    const workers = [...this.#contents.metrics.workers].flatMap(([worker, followed]): WorkerView[] => {
      const work = takeFresh(followed);
      return work === undefined ? [] : [{ worker, rank: followed.rank, work }];
    });
    const histograms = this.#contents.histograms.takeFresh();
    return {
      ...(curves.length > 0 && { curves: Object.fromEntries(curves) }),
      ...(workers.length > 0 && { workers }),
      ...(histograms && { histograms }),
    };
  }
}

async function readContents(folder: string): Promise<Contents> {
  const contents: Contents = {
    tails: {
      metrics: new LogTail(logPath(folder, 'metrics')),
      events: new LogTail(logPath(folder, 'events')),
      journal: new LogTail(logPath(folder, 'journal')),
    },
    // Events of a trace are elements of one JSON list, a line each.
    trace: new LogTail(join(folder, 'trace.json'), (line) => recordIn(line.replace(/,$/, ''))),
    program: new GrowingProgram(),
    metrics: new FollowedMetrics(await batchSizeOf(folder)),
    histograms: new FollowedHistograms(folder),
    events: [],
    journal: [],
  };
  const { tails, metrics, events, journal, trace, program, histograms } = contents;
  await trace.read((event) => program.add(event));
  await tails.journal.read((line) => void journal.push(line));
  await tails.events.read((line) => void events.push(line));
  await tails.metrics.read((line) => metrics.add(line));
  await histograms.read();
  metrics.takeRevised();
  histograms.takeRevised();
  return contents;
}

async function recordOf(
  folder: string,
  { metrics, events, journal }: Contents,
  isRunning: boolean | undefined,
): Promise<RunRecord> {
  const logs = { metrics: metrics.lines, events, journal };
  const record = await readRunAround(folder, logs, { isRunning: () => isRunning });
  if (record.status !== 'running') metrics.end();
  return record;
}

/** Samples of a step; undefined for a folder whose manifest is damaged. */
async function batchSizeOf(folder: string): Promise<number | undefined> {
  const { config } = await readManifest(folder).catch(() => ({ config: undefined }));
  const { batchSize } = (config ?? {}) as { readonly batchSize?: unknown };
  return typeof batchSize === 'number' ? batchSize : undefined;
}

function thinned(points: Points, columns: number): Curve {
  const { steps } = points;
  const { length } = steps;
  return thin(points, length === 0 ? 1 : widthFor(steps[0]!, steps[length - 1]!, columns));
}

const listed = (kind: CurveKind, { steps, values }: Points) => ({
  kind,
  steps: Array.from(steps),
  values: Array.from(values),
});
