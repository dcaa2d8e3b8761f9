/** The schedule of a run: pure functions of the step, the same on every worker. */
import { stepsPerEpoch } from '@lockstep/data';
import type { EarlyStopping, RunConfig } from './config.ts';

export interface Schedule {
  readonly stepsPerEpoch: number;
  /** The length of the schedule, which schedules of the learning rate see. */
  readonly totalSteps: number;
  /** The step after which the run ends. */
  readonly lastStep: number;
  /** Samples of step `step`, from 1: a whole batch, or the rest of the epoch. */
  samplesAt(step: number): number;
  /** Passes over the training data after `step`: a whole number at the end of an epoch. */
  epochsAfter(step: number): number;
  /** The actions after the commit of `step` (from 1; 0 is the state before any update). */
  at(step: number): {
    readonly evaluate: boolean;
    readonly checkpoint: boolean;
    readonly fingerprint: boolean;
    /** The chain takes in the hash of the whole state. A checkpoint that is not in the schedule changes no chain. */
    readonly stateHash: boolean;
    readonly last: boolean;
  };
}

export function createSchedule(config: RunConfig, numSamples: number, hasValidation: boolean): Schedule {
  const { batchSize, epochs, steps, epochsFrom: from = { step: 0, epoch: 0 } } = config;
  const perEpoch = stepsPerEpoch(numSamples, batchSize);
  const stepsOf = (numEpochs: number): number => from.step + (numEpochs - from.epoch) * perEpoch;
  const byEpochs = epochs === null ? undefined : stepsOf(epochs);
  const totalSteps = Math.min(byEpochs ?? Number.POSITIVE_INFINITY, steps ?? byEpochs ?? stepsOf(1));
  const lastStep = Math.min(totalSteps, config.until ?? totalSteps);
  const hasCheckpoint = (step: number): boolean =>
    step > 0 && (step % config.checkpointEvery === 0 || step === totalSteps);
  return {
    stepsPerEpoch: perEpoch,
    totalSteps,
    lastStep,
    samplesAt: (step) => Math.min(batchSize, numSamples - ((step - 1 - from.step) % perEpoch) * batchSize),
    epochsAfter: (step) => from.epoch + (step - from.step) / perEpoch,
    at: (step) => ({
      evaluate: hasValidation && step > 0 && (step - from.step) % perEpoch === 0,
      checkpoint: hasCheckpoint(step) || (step > 0 && step === lastStep),
      fingerprint: step % config.fingerprintEvery === 0 || step === totalSteps,
      stateHash: hasCheckpoint(step),
      last: step >= lastStep,
    }),
  };
}

/** The trainer's memory besides arrays; part of every checkpoint and snapshot. */
export interface Progress {
  /** The best value of the metric that early stopping watches; without early stopping, of the validation loss. */
  readonly bestMetric: number | null;
  /** The step of the best evaluation; 0 before the first. */
  readonly bestStep: number;
  readonly badEvaluations: number;
  /**
   * The step of the last evaluation that was counted: an evaluation that is repeated after a change of members counts
   * once.
   */
  readonly evaluatedStep: number;
  readonly stopped: boolean;
  /** Digest of all hashes so far: of each fingerprint, and of the whole state at each checkpoint of the schedule. */
  readonly chain: string;
}

export const initialProgress: Progress = {
  bestMetric: null,
  bestStep: 0,
  badEvaluations: 0,
  evaluatedStep: 0,
  stopped: false,
  chain: '',
};

/** Without early stopping, the best evaluation is only remembered. */
const watchOnly: EarlyStopping = { metric: 'validation/loss', patience: Number.POSITIVE_INFINITY };

/**
 * The progress after an evaluation (early stopping: Prechelt, 1998). A value that is not finite is no improvement, so
 * the best metric is always a number that JSON can carry to checkpoints and joining workers.
 */
export function afterEvaluation(
  progress: Progress,
  step: number,
  metrics: Readonly<Record<string, number>>,
  rule: EarlyStopping = watchOnly,
): Progress {
  if (step <= progress.evaluatedStep) return progress;
  const value = metrics[rule.metric];
  if (value === undefined) return { ...progress, evaluatedStep: step };
  const sign = rule.mode === 'max' ? -1 : 1;
  const best = progress.bestMetric;
  const isBetter = best === null || sign * value < sign * best - (rule.minDelta ?? 0);
  const improved = isBetter && Number.isFinite(value);
  const badEvaluations = improved ? 0 : progress.badEvaluations + 1;
  return {
    ...progress,
    bestMetric: improved ? value : best,
    bestStep: improved ? step : progress.bestStep,
    badEvaluations,
    evaluatedStep: step,
    stopped: badEvaluations >= rule.patience,
  };
}
