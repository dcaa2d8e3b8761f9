/** When things happen in a run: pure functions of the step, the same on every worker. */
import { stepsPerEpoch } from '@lockstep/data';
import type { EarlyStopping, RunConfig } from './config.ts';

export interface Schedule {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  /** Samples of step `step` (from 1): a whole batch, or what is left of the epoch. */
  samplesAt(step: number): number;
  /** What happens once `step` (from 1; 0 is the state before any update) is committed. */
  at(step: number): {
    readonly evaluate: boolean;
    readonly checkpoint: boolean;
    readonly fingerprint: boolean;
    readonly last: boolean;
  };
}

export function createSchedule(config: RunConfig, numSamples: number, hasValidation: boolean): Schedule {
  const perEpoch = stepsPerEpoch(numSamples, config.batchSize);
  const byEpochs = config.epochs === null ? undefined : config.epochs * perEpoch;
  const totalSteps = Math.min(byEpochs ?? Number.POSITIVE_INFINITY, config.steps ?? byEpochs ?? perEpoch);
  return {
    stepsPerEpoch: perEpoch,
    totalSteps,
    samplesAt: (step) => Math.min(config.batchSize, numSamples - ((step - 1) % perEpoch) * config.batchSize),
    at: (step) => ({
      evaluate: hasValidation && step > 0 && step % perEpoch === 0,
      checkpoint: step > 0 && (step % config.checkpointEvery === 0 || step === totalSteps),
      fingerprint: step % config.fingerprintEvery === 0 || step === totalSteps,
      last: step >= totalSteps,
    }),
  };
}

/** What the trainer remembers besides arrays; part of every checkpoint and snapshot. */
export interface Progress {
  /** Of the metric that early stopping watches; without it, the lowest validation loss. */
  readonly bestMetric: number | null;
  /** The step whose evaluation it is; 0 before the first. */
  readonly bestStep: number;
  readonly badEvaluations: number;
  /** Step of the last evaluation counted, so that one redone after a change of members counts once. */
  readonly evaluatedStep: number;
  readonly stopped: boolean;
  /** Digest over all fingerprints so far. */
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

/** Without early stopping the best evaluation is remembered all the same. */
const watchOnly: EarlyStopping = { metric: 'validation/loss', patience: Number.POSITIVE_INFINITY };

/**
 * Progress after an evaluation: whether the metric still improves (Prechelt, 1998). What is not finite is no
 * improvement; the best metric stays a number that JSON carries to checkpoints and joining workers.
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
