/** What a scale has found, as plain data. */
import type { Advice, BatchRow, NoisePoint, StepFit, Target } from '@lockstep/scaling';
import type { CriticalPoint } from './branch-runs.ts';
import type { ScaleRequest } from './scale-folder.ts';
import type { WorkerRow } from './worker-runs.ts';

export interface Findings {
  readonly folder: string;
  readonly request: ScaleRequest;
  readonly target: Target;
  readonly batches: readonly BatchRow[];
  readonly fit: StepFit | undefined;
  /** Runs of the axis of batch sizes that failed by themselves. */
  readonly failed: readonly string[];
  readonly workers: readonly WorkerRow[];
  /** By batch size: the same on every number of workers. */
  readonly fingerprints: Readonly<Record<string, string>>;
  /** Of the run with the base batch size. */
  readonly noise: readonly NoisePoint[];
  readonly critical: readonly CriticalPoint[];
  readonly advice: Advice;
}
