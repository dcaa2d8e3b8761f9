/** The measured critical batch size: branches of one run train the same samples in larger batches. */

import { readRun } from '@lockstep/records';
import {
  beginningOf,
  Computation,
  computeRecordedState,
  openRecordedRun,
  planBranch,
  readRunLogs,
} from '@lockstep/replay';
import { criticalBatch } from '@lockstep/scaling';
import type { Direction } from '@lockstep/search';
import { buildHash } from '@lockstep/worker';
import { codeOf } from '../run-folder.ts';
import { evaluationsOf, type TrainedRun } from './batch-runs.ts';
import { trainQuietly } from './quiet-run.ts';
import { axisFolder, type ScaleRequest } from './scale-folder.ts';

/** A branch, after the samples of one epoch. */
export interface BranchRun {
  readonly epoch: number;
  readonly batchSize: number;
  /** The metric at its end. */
  readonly value: number;
  readonly steps: number;
  readonly run: string;
}

export interface CriticalPoint {
  /** Epochs before the branches. */
  readonly epoch: number;
  readonly step: number;
  /** The batch size of the run from which they branch, and its metric after the same samples. */
  readonly batchSize: number;
  readonly value: number;
  readonly branches: readonly BranchRun[];
  readonly criticalBatch: number;
}

/** Steps of an epoch of the run that was trained. */
const stepsPerEpoch = ({ record }: TrainedRun): number =>
  (record.totalSteps ?? record.steps) / Number(record.config.epochs ?? 1);

/** The step after which branches begin. */
export const branchStep = (parent: TrainedRun, epoch: number): number => epoch * stepsPerEpoch(parent);

/** Trains one epoch in batches of another size from the state after `epoch` epochs; undefined if Ctrl-C has stopped it. */
export async function trainBranch(
  folder: string,
  request: ScaleRequest,
  parent: TrainedRun,
  {
    epoch,
    batchSize,
    workers,
  }: { readonly epoch: number; readonly batchSize: number; readonly workers: number },
): Promise<BranchRun | undefined> {
  const recorded = await openRecordedRun(parent.folder, { build: buildHash() });
  const step = branchStep(parent, epoch);
  const assignments = [`batchSize=${batchSize}`, `batchFrom=${step}`];
  const planned = await planBranch(recorded, step, { assignments });
  const computation = new Computation(recorded);
  const logs = await readRunLogs(parent.folder, recorded.manifest);
  await computeRecordedState(computation, step, logs);
  const steps = Math.ceil(planned.dataset.splits.train.size / batchSize);
  const ending = await trainQuietly({
    ...{ root: axisFolder(folder, 'branches'), file: codeOf(recorded), workers, threads: request.threads },
    ...{ config: { ...planned.config, until: step + steps }, profile: request.profile },
    folderName: `epoch-${epoch}-batch-${batchSize}`,
    branch: { beginning: beginningOf(computation, planned), dataHash: planned.dataset.hash },
  });
  if (ending === undefined) return undefined;
  const value = evaluationsOf(await readRun(ending.run), request.metric).at(-1)?.value ?? Number.NaN;
  return { epoch, batchSize, value, steps, run: ending.run };
}

export function criticalPoint(
  parent: TrainedRun,
  branches: readonly BranchRun[],
  epoch: number,
  { metric, tolerance }: ScaleRequest,
  direction: Direction,
): CriticalPoint {
  const { batchSize } = parent;
  const end = branchStep(parent, epoch + 1);
  const value = evaluationsOf(parent.record, metric).find(({ step }) => step === end)?.value ?? Number.NaN;
  const critical = criticalBatch({ batchSize, value }, branches, { tolerance, direction });
  return { epoch, step: branchStep(parent, epoch), batchSize, value, branches, criticalBatch: critical };
}
