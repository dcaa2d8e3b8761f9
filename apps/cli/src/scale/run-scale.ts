/** `lockstep scale`: which batch, on how many workers, and what it costs. */
import { join, resolve } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { writeAtomic } from '@lockstep/files';
import { isRising } from '@lockstep/records';
import {
  batchRows,
  fitSteps,
  noisePoints,
  parseLatency,
  parseRate,
  recommend,
  scaleSvg,
  type Target,
} from '@lockstep/scaling';
import type { Direction } from '@lockstep/search';
import { metric as metricText } from '../display/format.ts';
import { exitCodes } from '../errors.ts';
import { whileLocked } from '../run-lock.ts';
import { onInterrupt } from '../signals.ts';
import type { Terminal } from '../terminal.ts';
import { type BatchAxis, batchRunOf, noiseOf, type TrainedRun, trainBatchSizes } from './batch-runs.ts';
import { type BranchRun, type CriticalPoint, criticalPoint, trainBranch } from './branch-runs.ts';
import type { Findings } from './findings.ts';
import { createRequest, type ScaleArgs } from './request.ts';
import { createScaleDisplay, type ScaleDisplay } from './scale-display.ts';
import {
  createScaleFolder,
  openPieces,
  type Pieces,
  readScaleRequest,
  type ScaleRequest,
} from './scale-folder.ts';
import {
  modelOf,
  requireOneFingerprint,
  sizedExperiment,
  trainOnWorkers,
  type WorkerRow,
  type WorkerRun,
} from './worker-runs.ts';

/** Resolves with the exit code. */
export async function runScale(args: ScaleArgs, { out }: Terminal): Promise<number> {
  const display = createScaleDisplay(out, args.json);
  if ((args.experiment === undefined) === (args.resume === undefined)) {
    throw new LockstepError(
      'config',
      'lockstep scale takes the file of an experiment, or --resume FOLDER to go on with a scale, and not both',
    );
  }
  const folder = args.resume?.replace(/(?<=.)\/+$/, '') ?? (await beginScale(args.experiment!, args));
  return whileLocked(folder, async () => {
    const request = await readScaleRequest(folder);
    display.started(folder, request);
    const pieces = await openPieces(folder);
    let isStopped = false;
    const stopListening = onInterrupt((times) => {
      isStopped = true;
      if (times > 2) process.exit(exitCodes.interrupted);
    });
    const direction = directionOf(request);
    const scale: Scale = { folder, request, pieces, display, direction, isStopped: () => isStopped };
    const findings = await measure(scale).finally(stopListening);
    if (findings === undefined) {
      display.interrupted(folder);
      return exitCodes.interrupted;
    }
    await writeAtomic(join(folder, 'plots.svg'), plotsOf(findings));
    display.done(findings);
    return exitCodes.done;
  });
}

async function beginScale(file: string, args: ScaleArgs): Promise<string> {
  return createScaleFolder(args.scaleRoot, await createRequest(resolve(file), args));
}

const directionOf = ({ metric }: ScaleRequest): Direction => (isRising(metric) ? 'maximize' : 'minimize');

interface Scale {
  readonly folder: string;
  readonly request: ScaleRequest;
  readonly pieces: Pieces;
  readonly display: ScaleDisplay;
  readonly direction: Direction;
  /** Whether Ctrl-C was pressed, also between two runs. */
  readonly isStopped: () => boolean;
}

/** Undefined if Ctrl-C has stopped it. */
async function measure(scale: Scale): Promise<Findings | undefined> {
  const { folder, request, display, direction } = scale;
  const axis = await trainBatchSizes({
    ...{ folder, request, direction, workers: Math.max(...request.workers), display: display.sweep },
  });
  if (axis.isStopped || scale.isStopped()) return undefined;
  const target = targetOf(request, axis, direction);
  const runs = axis.runs.map((run) => batchRunOf(run, request.metric));
  const batches = batchRows(runs, target.value, direction);
  display.batches(batches, target);
  const workers = await measureWorkers(scale, axis);
  if (workers === undefined) return undefined;
  const base = axis.runs.filter(({ batchSize }) => batchSize === baseOf(request));
  const critical = await measureCritical(scale, base[0]);
  if (critical === undefined) return undefined;
  return {
    ...{ folder, request, target, batches, fit: fitSteps(batches), failed: axis.failed },
    ...workers,
    noise: noisePoints(base.map(noiseOf), [0.1, 0.25, 0.5, 0.75, 1], request.noiseSamples),
    critical,
    advice: recommend(
      batches,
      workers.workers,
      `${target.metric} ${metricText(target.metric, target.value)}`,
    ),
  };
}

function plotsOf({ request, target, batches, workers }: Findings): string {
  const plotted = workers.map(({ batchSize, workers: count, samplesPerSecond, predicted }) => ({
    ...{ batchSize, workers: count, samplesPerSecond },
    predicted: (1_000 * batchSize) / predicted.stepMs,
  }));
  const goal = `${target.metric} ${metricText(target.metric, target.value)}`;
  return scaleSvg(request.name, goal, batches, plotted);
}

/** The batch size for which the optimizer was tuned, or the nearest one that is tried. */
function baseOf({ batches, baseBatchSize }: ScaleRequest): number {
  const distance = (size: number): number => Math.max(size / baseBatchSize, baseBatchSize / size);
  return batches.reduce((best, size) => (distance(size) < distance(best) ? size : best));
}

/** The target that was asked for, or the one that every seed of the base batch size ends at or passes. */
function targetOf(request: ScaleRequest, { runs, failed }: BatchAxis, direction: Direction): Target {
  const { metric, target } = request;
  if (target !== null) return { metric, value: target };
  const base = baseOf(request);
  const finals = runs
    .filter(({ batchSize }) => batchSize === base)
    .map((run) => batchRunOf(run, metric).evaluations.at(-1)?.value ?? Number.NaN);
  const worst = direction === 'minimize' ? Math.max(...finals) : Math.min(...finals);
  if (Number.isFinite(worst)) return { metric, value: worst };
  throw new LockstepError(
    'config',
    `no run of the batch ${base} has a value of ${metric}, so there is no target; give one with --target${failed.length === 0 ? '' : ` (${failed.join('; ')})`}`,
    { metric, base },
  );
}

async function measureWorkers(
  { folder, request, pieces, display, isStopped }: Scale,
  { experiment }: BatchAxis,
): Promise<Pick<Findings, 'workers' | 'fingerprints'> | undefined> {
  const link = { bitsPerSecond: parseRate(request.link), latencyMs: parseLatency(request.latency) };
  const runs: WorkerRun[] = [];
  const rows: WorkerRow[] = [];
  for (const batchSize of request.batches) {
    const sized = sizedExperiment(experiment, folder, request, batchSize);
    const own: WorkerRun[] = [];
    for (const workers of request.workers) {
      if (isStopped()) return undefined;
      const key = `workers/${batchSize}/${workers}`;
      const train = () => trainOnWorkers(folder, request, sized, workers);
      const run = await pieces.measured(key, train);
      if (run === undefined) return undefined;
      own.push(run);
    }
    runs.push(...own);
    requireOneFingerprint(runs);
    const rowOf = await modelOf(sized, request, link);
    for (const run of own) {
      const row = rowOf(run, own[0]!);
      rows.push(row);
      display.worker(row);
    }
  }
  return { workers: rows, fingerprints: requireOneFingerprint(runs) };
}

async function measureCritical(
  { folder, request, pieces, display, direction, isStopped }: Scale,
  parent: TrainedRun | undefined,
): Promise<readonly CriticalPoint[] | undefined> {
  if (parent === undefined) return [];
  const points: CriticalPoint[] = [];
  const workers = Math.max(...request.workers);
  for (const epoch of request.branchAt) {
    const branches: BranchRun[] = [];
    for (const batchSize of request.branchBatches) {
      if (isStopped()) return undefined;
      const key = `branch/${epoch}/${batchSize}`;
      const train = () => trainBranch(folder, request, parent, { epoch, batchSize, workers });
      const branch = await pieces.measured(key, train);
      if (branch === undefined) return undefined;
      branches.push(branch);
    }
    const point = criticalPoint(parent, branches, epoch, request, direction);
    points.push(point);
    display.critical(point);
  }
  return points;
}
