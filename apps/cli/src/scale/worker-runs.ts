/** The axis of workers: the first steps of a run on several numbers of workers, which change times and nothing else. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { placed, type RunConfig } from '@lockstep/run';
import {
  breakEvenRate,
  type ModelledStep,
  median,
  modelStep,
  type NetworkLink,
  type StepCosts,
} from '@lockstep/scaling';
import { readLog } from '@lockstep/tracking';
import { resolveConfig, resolveExperiment } from '@lockstep/training';
import type { ExperimentFile } from '../experiment-file.ts';
import type { SweepExperiment } from '../sweep/sweep-file.ts';
import { type MeasuredStep, prepareStep } from './measured-step.ts';
import { trainQuietly } from './quiet-run.ts';
import { axisFolder, type ScaleRequest, scaledFile } from './scale-folder.ts';

/** Times of a step in ms: the median over steps of the means over workers. */
export interface StepTimes {
  readonly stepMs: number;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly networkMs: number;
}

/** What a run on some workers has shown. */
export interface WorkerRun extends StepTimes {
  readonly batchSize: number;
  readonly workers: number;
  readonly steps: number;
  /** The fastest step: other programs have disturbed it least. */
  readonly leastMs: number;
  /** With its profile. */
  readonly fingerprint: string;
  readonly run: string;
}

export interface WorkerRow extends WorkerRun {
  readonly samplesPerSecond: number;
  /** Against the run with the fewest workers. */
  readonly speedUp: number;
  readonly efficiency: number;
  /** On this machine, as the model has it. */
  readonly predicted: StepTimes;
  /** Measured over predicted time of a step: of the median, and of the fastest one. */
  readonly ratio: number;
  readonly leastRatio: number;
  /** With a machine for each worker, on the link that was asked for. */
  readonly onLink: StepTimes & { readonly speedUp: number };
  /** The slowest link, in bits per second, on which these workers are as fast as one; absent where there is none. */
  readonly breakEven?: number;
}

/** The experiment with one batch size, and its first steps as a configuration. */
export interface SizedExperiment {
  readonly file: ExperimentFile;
  readonly config: RunConfig;
}

export function sizedExperiment(
  experiment: SweepExperiment,
  folder: string,
  request: ScaleRequest,
  batchSize: number,
): SizedExperiment {
  const { bundle, hash, project, exported } = experiment;
  const { seed, epochs, limitSamples, set, name } = request;
  const resolved = placed(
    { bundle, hash, root: project.root },
    () => undefined,
    () => resolveExperiment(exported, { ...set, batchSize }),
  );
  const overrides = {
    ...{ seed, params: resolved.params },
    ...(epochs !== null && { epochs }),
    ...(limitSamples !== null && { limitSamples }),
  };
  const file = { ...experiment, ...resolved, path: scaledFile(folder), name };
  return { file, config: resolveConfig(resolved.experiment, overrides) };
}

/** Trains the first steps; undefined if Ctrl-C has stopped the run. */
export async function trainOnWorkers(
  folder: string,
  request: ScaleRequest,
  { file, config }: SizedExperiment,
  workers: number,
): Promise<WorkerRun | undefined> {
  const { batchSize } = config;
  const { workerSteps: until, profile, threads } = request;
  const ending = await trainQuietly({
    ...{ root: axisFolder(folder, 'workers'), file, config: { ...config, until }, profile, workers, threads },
    folderName: `batch-${batchSize}-workers-${workers}`,
  });
  if (ending === undefined) return undefined;
  const { run, steps, fingerprint } = ending;
  return {
    ...{ batchSize, workers, steps, fingerprint: `${profile}:${fingerprint}` },
    ...(await timesOf(run)),
    run,
  };
}

/** The part of the steps in which caches fill and code is compiled. */
const warmupPart = 0.25;

/** Throws `file` for a run whose log says nothing of its work. */
async function timesOf(folder: string): Promise<StepTimes & Pick<WorkerRun, 'leastMs'>> {
  const { records } = await readLog(folder, 'metrics');
  const steps = new Map<number, StepTimes[]>();
  for (const { kind, step, ...times } of records) {
    if (kind !== 'work' || typeof step !== 'number') continue;
    steps.set(step, [...(steps.get(step) ?? []), times as unknown as StepTimes]);
  }
  const counted = [...steps.entries()].sort(([a], [b]) => a - b).map(([, work]) => work);
  const warm = counted.slice(Math.floor(warmupPart * counted.length));
  if (warm.length === 0) {
    const path = join(folder, 'metrics.jsonl');
    throw new LockstepError('file', `${path} has no record of the workers' times; was the disk full?`, {
      path,
    });
  }
  const means = (name: keyof StepTimes): readonly number[] =>
    warm.map((work) => work.reduce((sum, times) => sum + times[name], 0) / work.length);
  const of = (name: keyof StepTimes): number => median(means(name))!;
  return {
    ...{ stepMs: of('stepMs'), computeMs: of('computeMs'), waitMs: of('waitMs'), networkMs: of('networkMs') },
    leastMs: Math.min(...means('stepMs')),
  };
}

/** The model for one batch size: measured once, asked for every number of workers. */
export async function modelOf(
  sized: SizedExperiment,
  request: ScaleRequest,
  link: NetworkLink,
): Promise<(run: WorkerRun, first: WorkerRun) => WorkerRow> {
  const { limitSamples } = request;
  const { config } = sized;
  const step = await prepareStep(sized.file, {
    epochs: config.epochs ?? undefined,
    limitSamples: limitSamples ?? undefined,
  });
  const { threads } = request;
  const own = hostLink();
  const one = step.measure(1, threads);
  const alone = modelStep(one, step.exchanges, link).stepMs;
  return (run, first) => {
    const costs = run.workers === 1 ? one : step.measure(run.workers, threads);
    return rowOf(run, first, { costs, exchanges: step.exchanges, own, link, alone, threads });
  };
}

interface Model extends Pick<MeasuredStep, 'exchanges'> {
  readonly costs: StepCosts;
  /** Between processes of this machine. */
  readonly own: NetworkLink;
  readonly link: NetworkLink;
  /** A step of one worker, in ms. */
  readonly alone: number;
  readonly threads: number;
}

function rowOf(
  run: WorkerRun,
  first: WorkerRun,
  { costs, exchanges, own, link, alone, threads }: Model,
): WorkerRow {
  const { batchSize, workers, stepMs, leastMs } = run;
  const crowded = slowed(costs, Math.max(1, (workers * threads) / availableParallelism()));
  const predicted = modelStep(crowded, exchanges, own);
  const onLink = modelStep(costs, exchanges, link);
  const breakEven = breakEvenRate(costs, exchanges, link.latencyMs, alone);
  const speedUp = first.stepMs / stepMs;
  return {
    ...run,
    samplesPerSecond: (1_000 * batchSize) / stepMs,
    ...{ speedUp, efficiency: (speedUp * first.workers) / workers },
    predicted: timesIn(predicted),
    ...{ ratio: stepMs / predicted.stepMs, leastRatio: leastMs / predicted.stepMs },
    onLink: { ...timesIn(onLink), speedUp: alone / onLink.stepMs },
    ...(breakEven !== undefined && { breakEven }),
  };
}

const timesIn = ({ stepMs, computeMs, waitMs, networkMs }: ModelledStep): StepTimes => ({
  ...{ stepMs, computeMs, waitMs, networkMs },
});

/** The costs on cores that several threads share. */
const slowed = ({ ranges, segmentMs, combineMs, updateMs }: StepCosts, factor: number): StepCosts => ({
  ranges,
  segmentMs: segmentMs.map((times) => times.map((time) => time * factor)),
  combineMs: combineMs * factor,
  updateMs: updateMs * factor,
});

/** Waking another process of this machine, which takes some tens of µs on Linux. */
const wakeMs = 0.05;

/** Workers of one machine write to memory and read from it: two copies. */
function hostLink(): NetworkLink {
  const [from, to] = [new Float32Array(1 << 20), new Float32Array(1 << 20)];
  const times = Array.from({ length: 5 }, () => {
    const startMs = performance.now();
    to.set(from);
    return performance.now() - startMs;
  });
  return { bitsPerSecond: (8_000 * from.byteLength) / (2 * Math.min(...times)), latencyMs: wakeMs };
}

/** Throws `internal` unless all runs of a batch size have one fingerprint: the promise of this library. */
export function requireOneFingerprint(runs: readonly WorkerRun[]): Readonly<Record<string, string>> {
  const fingerprints: Record<string, string> = {};
  for (const { batchSize, workers, fingerprint, run } of runs) {
    const known = fingerprints[batchSize] ?? fingerprint;
    fingerprints[batchSize] = known;
    if (known === fingerprint) continue;
    const other = runs.find((one) => one.batchSize === batchSize)!;
    throw new LockstepError(
      'internal',
      `a batch of ${batchSize} has the fingerprint ${known} on ${other.workers} and ${fingerprint} on ${workers} workers; lockstep diff ${other.run} ${run} finds the cause`,
      { batchSize, workers: [other.workers, workers], runs: [other.run, run] },
    );
  }
  return fingerprints;
}
