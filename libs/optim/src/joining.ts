/** Compositions of schedules. */

import { asTensor, where } from '@lockstep/autodiff';
import {
  aFunction,
  aNumber,
  LockstepError,
  listOf,
  oneOf,
  type Rules,
  required,
  signature,
  whole,
} from '@lockstep/errors';
import { check } from './checks.ts';
import { aRate } from './kinds.ts';
import { requireRising, type Schedule, scheduled } from './schedule.ts';

const checkJoinSchedules = signature('joinSchedules', {
  schedules: listOf(aFunction, 'a list of schedules'),
  boundaries: listOf(aNumber, 'a list of numbers'),
});

/**
 * A sequence of schedules: `schedules[i + 1]` starts at `boundaries[i]`. Each counts steps from its start and takes
 * its part of the run as the whole run.
 */
export function joinSchedules(schedules: readonly Schedule[], boundaries: readonly number[]): Schedule {
  checkJoinSchedules(schedules, boundaries);
  if (schedules.length !== boundaries.length + 1) {
    throw new LockstepError(
      'argument',
      `joinSchedules: ${schedules.length} schedules and ${boundaries.length} boundaries; give one boundary fewer than schedules`,
      { numSchedules: schedules.length, numBoundaries: boundaries.length },
    );
  }
  requireRising('joinSchedules', 'boundaries', boundaries);
  return scheduled('joinSchedules', (step, totalSteps) => {
    const rates = schedules.map((schedule, i) => {
      const start = boundaries[i - 1] ?? 0;
      const end = boundaries[i] ?? totalSteps;
      return schedule(step.sub(start).maximum(0), Math.max(1, end - start));
    });
    return rates.reduce((before, rate, i) => where(step.greaterEqual(boundaries[i - 1]!), rate, before));
  });
}

// biome-ignore lint/suspicious/noThenProperty: the name of a parameter
const checkWarmup = signature('warmup', { steps: aNumber, then: aFunction });

/**
 * Rises linearly from rate/steps to the first rate of `then` in `steps` updates, so that no update has rate 0. Then
 * follows `then`, which counts its steps from there, over the rest of the run.
 */
export function warmup(steps: number, then: Schedule): Schedule {
  checkWarmup(steps, then);
  check('warmup', 'steps', { steps });
  if (steps === 0) return then;
  const rise: Schedule = (step, totalSteps) =>
    then(asTensor(0, step.dtype), totalSteps).mul(step.add(1).div(steps));
  return scheduled('warmup', (step, totalSteps) => {
    const rest = Math.max(1, totalSteps - steps);
    return where(step.less(steps), rise(step, rest), then(step.sub(steps).maximum(0), rest));
  });
}

const aBatchSize = whole(1);

export interface BatchScaling {
  readonly batchSize: number;
  /** The batch size for which the rate was found. */
  readonly baseBatchSize: number;
  /** Default `linear`. */
  readonly rule?: 'linear' | 'sqrt';
}

const scalingRules: Rules<BatchScaling> = {
  batchSize: required(aBatchSize),
  baseBatchSize: required(aBatchSize),
  rule: oneOf('linear', 'sqrt'),
};
const checkScaledByBatch = signature('scaledByBatch', { rate: aRate }, scalingRules);

/**
 * Converts a rate that was found for one batch size to another: in proportion to the batch (Goyal et al., 2017, for
 * SGD; with a {@link warmup} of about 5 epochs), or to its square root (Krizhevsky, 2014; usual for Adam and its
 * variants).
 */
export function scaledByBatch(rate: number, scaling: BatchScaling): number;
export function scaledByBatch(rate: Schedule, scaling: BatchScaling): Schedule;
export function scaledByBatch(rate: number | Schedule, scaling: BatchScaling): number | Schedule {
  checkScaledByBatch(rate, scaling);
  const { batchSize, baseBatchSize, rule = 'linear' } = scaling;
  check('scaledByBatch', 'period', { batchSize, baseBatchSize });
  const ratio = batchSize / baseBatchSize;
  const factor = rule === 'linear' ? ratio : Math.sqrt(ratio);
  if (typeof rate === 'number') {
    check('scaledByBatch', 'finite', { rate });
    return rate * factor;
  }
  return scheduled('scaledByBatch', (step, totalSteps) => rate(step, totalSteps).mul(factor));
}
