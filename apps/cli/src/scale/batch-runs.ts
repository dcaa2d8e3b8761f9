/** The axis of batch sizes: a sweep over them, and what its runs say. */
import { basename, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { type RunRecord, readRun } from '@lockstep/records';
import type { BatchRun, NoiseSeries } from '@lockstep/scaling';
import { choice, type Direction, type Evaluation, grid, maximize, minimize } from '@lockstep/search';
import { defineSweep, readSweepManifest, type SetAside, type Sweep } from '@lockstep/sweep';
import { loadModule } from '../experiment-file.ts';
import { whileLocked } from '../run-lock.ts';
import type { TrainingDisplay } from '../sweep/sweep-display.ts';
import type { SweepExperiment } from '../sweep/sweep-file.ts';
import {
  createSweepFolder,
  openJournal,
  readKeptExperiment,
  runsFolder,
  writeTable,
} from '../sweep/sweep-folder.ts';
import { placeOfSweep } from '../sweep/sweep-place.ts';
import { trainSweep } from '../sweep/sweep-session.ts';
import { type ScaleRequest, scaledFile, sweepIn } from './scale-folder.ts';

/** A run of the sweep. */
export interface TrainedRun {
  readonly batchSize: number;
  readonly seed: number;
  readonly folder: string;
  readonly record: RunRecord;
}

export interface BatchAxis {
  readonly isStopped: boolean;
  /** In the order of batch sizes, then seeds; without runs that failed. */
  readonly runs: readonly TrainedRun[];
  /** Runs that failed by themselves, with the reason. */
  readonly failed: readonly string[];
  readonly experiment: SweepExperiment;
}

interface BatchSession {
  readonly folder: string;
  readonly request: ScaleRequest;
  readonly direction: Direction;
  /** Worker processes, which train as many runs side by side. */
  readonly workers: number;
  readonly display: TrainingDisplay;
}

/** Trains what the sweep still needs. */
export async function trainBatchSizes(session: BatchSession): Promise<BatchAxis> {
  const { folder, request, direction, workers, display } = session;
  const sweep = sweepOf(request, direction);
  const begun = await sweepIn(folder);
  const path = scaledFile(folder);
  const own =
    begun ??
    (await createSweepFolder(
      folder,
      { name: 'batch', path, sweep },
      await loadModule(path),
      request.profile,
    ));
  const manifest = await readSweepManifest(own);
  const experiment = await readKeptExperiment(own, manifest);
  return whileLocked(own, async () => {
    const journal = await openJournal(own);
    try {
      const { name, profile } = manifest;
      const { threads } = request;
      const { ledger, isStopped } = await trainSweep({
        ...{ folder: own, name, sweep, experiment, profile, journal, workers, threads, display },
        ...{
          checkpointBytes: undefined,
          place: placeOfSweep(own, journal.entries, {}),
          keysFolder: undefined,
        },
      });
      if (isStopped) return { isStopped, runs: [], failed: [], experiment };
      requireNoneAside(folder, ledger.aside);
      await writeTable(own, ledger.table());
      const failed = ledger
        .recorded()
        .filter(({ result }) => result.status === 'failed')
        .map(({ params, result }) => `batch ${params.batchSize}: ${result.reason}`);
      return { isStopped, runs: await runsOf(own), failed, experiment };
    } finally {
      journal.close();
    }
  });
}

/** Runs that lost their workers again and again have no result, and batch sizes cannot be compared without. */
function requireNoneAside(folder: string, aside: readonly SetAside[]): void {
  const [first] = aside;
  if (first === undefined) return;
  throw new LockstepError(
    'lost',
    `${aside.length} of the runs lost their workers again and again, the first at batch ${first.params.batchSize}: ${first.reason}; lockstep scale --resume ${folder} tries them again`,
    { folder, aside: aside.length },
  );
}

function sweepOf(request: ScaleRequest, direction: Direction): Sweep {
  const { batches, set, metric, seeds, seed, profile, epochs, limitSamples } = request;
  const fixed = Object.entries(set).map(([name, value]) => [name, choice([value])] as const);
  return defineSweep({
    experiment: 'scaled.ts',
    space: { ...Object.fromEntries(fixed), batchSize: choice([...batches]) },
    search: grid(),
    objective: direction === 'minimize' ? minimize(metric) : maximize(metric),
    ...{ trials: batches.length, repeats: seeds, seed, profile },
    ...(epochs !== null && { epochs }),
    ...(limitSamples !== null && { limitSamples }),
  });
}

/** The last run that was begun for each seed of each batch size. */
async function runsOf(folder: string): Promise<readonly TrainedRun[]> {
  const { entries, close } = await openJournal(folder);
  close();
  const names = new Map<string, string>();
  const ended = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'begun') names.set(`${entry.trial}/${entry.repeat}`, entry.run);
    if (entry.type === 'ended' && 'values' in entry) ended.add(`${entry.trial}/${entry.repeat}`);
  }
  const runs: TrainedRun[] = [];
  for (const [key, name] of names) {
    if (!ended.has(key)) continue;
    const run = join(runsFolder(folder), basename(name));
    const record = await readRun(run);
    runs.push({ batchSize: Number(record.params.batchSize), seed: record.seed ?? 0, folder: run, record });
  }
  return runs.sort((a, b) => a.batchSize - b.batchSize || a.seed - b.seed);
}

/** The evaluations of a metric, in ascending order of steps. */
export function evaluationsOf({ curves }: RunRecord, metric: string): readonly Evaluation[] {
  const { steps, values } = curves[metric] ?? { steps: [], values: [] };
  return steps.map((step, i) => ({ step, value: values[i]! }));
}

export const batchRunOf = ({ batchSize, seed, record }: TrainedRun, metric: string): BatchRun => ({
  ...{ batchSize, seed, evaluations: evaluationsOf(record, metric) },
});

export const noiseOf = ({ seed, record }: TrainedRun): NoiseSeries => ({
  seed,
  estimates: evaluationsOf(record, 'noiseScale').map(({ step, value }) => ({ step, noiseScale: value })),
});
