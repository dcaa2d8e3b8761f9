/** The links of which optimizers consist, except moving averages. */
import { logicalOr, type Tensor, where } from '@lockstep/autodiff';
import { aFunction, aNumber, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { norm } from './clipping.ts';
import { aRate } from './kinds.ts';
import type { Role } from './role.ts';
import type { Schedule } from './schedule.ts';
import { overTrained } from './trained.ts';
import {
  dtypeOf,
  type Empty,
  type GradientTransformation,
  scheduleAt,
  stateless,
  transformation,
} from './transformation.ts';

const checkScaleBy = signature('scaleBy', { factor: aNumber });

/** Multiplies updates by a constant. With −1 before an optimizer, the optimizer climbs. */
export function scaleBy(factor: number): GradientTransformation<Empty> {
  checkScaleBy(factor);
  check('scaleBy', 'finite', { factor });
  return overTrained(
    stateless((grads) => map((g) => g.mul(factor), grads)),
    {},
  );
}

const checkScaleBySchedule = signature('scaleBySchedule', { schedule: aFunction });

/** Multiplies updates by the schedule's value. */
export function scaleBySchedule(schedule: Schedule): GradientTransformation<Empty> {
  checkScaleBySchedule(schedule);
  const link = stateless((grads, _params, progress) => {
    const { step, totalSteps } = scheduleAt(progress);
    const factor = schedule(step.cast(dtypeOf(grads)), totalSteps);
    return map((g) => g.mul(factor.cast(g.dtype)), grads);
  });
  return overTrained(link, {});
}

const checkScaleByLearningRate = signature('scaleByLearningRate', { rate: aRate });
const downhill: Role = { gives: 'steps', takes: 'gradients' };
/** After steps, which point against the gradient, weight decay would be growth. */
const adding: Role = { gives: 'gradients', takes: 'gradients', adds: true };

/** Multiplies updates by −rate, which makes steps downhill of them. */
export function scaleByLearningRate(rate: number | Schedule): GradientTransformation<Empty> {
  checkScaleByLearningRate(rate);
  if (typeof rate === 'number') {
    check('scaleByLearningRate', 'finite', { rate });
    const link = stateless((grads) => map((g) => g.mul(-rate), grads));
    return overTrained(link, rate < 0 ? {} : downhill);
  }
  return { ...scaleBySchedule((step, totalSteps) => rate(step, totalSteps).neg()), role: downhill };
}

const checkAddDecayedWeights = signature('addDecayedWeights', { decay: aNumber }, {});

/** Adds decay·w to each update; within {@link masked}, only to those of selected parameters. */
export function addDecayedWeights(decay: number, ...none: []): GradientTransformation<Empty> {
  checkAddDecayedWeights(decay, ...none);
  check('addDecayedWeights', 'notNegative', { decay });
  const link = stateless((grads, params) => map((g, w) => g.add(w.mul(decay)), grads, params));
  return overTrained(link, decay === 0 ? { gives: 'gradients' } : adding);
}

/** {@link addDecayedWeights} before a link and under its name: weight decay as part of the gradient. */
export function withDecayedWeights<S>(
  decay: number,
  link: GradientTransformation<S>,
): GradientTransformation<S> {
  const added = addDecayedWeights(decay);
  if (decay === 0) return link;
  return transformation({
    role: { ...link.role, takes: 'gradients', adds: true },
    init: (params) => link.init(params),
    update: (grads, state, params, progress) =>
      link.update(added.update(grads, {}, params, progress)[0], state, params, progress),
  });
}

export interface TrustRatioOptions {
  /** η: the factor of the ratio. Default 1. */
  readonly coefficient?: number;
  /** β: adds β·w to the update and β·‖w‖ to its norm. Default 0. */
  readonly weightDecay?: number;
  /** Added to the update's norm. Default 0. */
  readonly epsilon?: number;
}

export const trustRatioRules: Rules<TrustRatioOptions> = {
  coefficient: aNumber,
  weightDecay: aNumber,
  epsilon: aNumber,
};

const checkScaleByTrustRatio = signature('scaleByTrustRatio', {}, trustRatioRules);

/**
 * Scales each tensor's update u by the norm of its weights: η·‖w‖/(‖u‖ + β·‖w‖ + ε)·(u + β·w), LARS's local rate (You
 * et al., 2017, equation 6). If ‖w‖ or ‖u‖ is 0, the update is u + β·w.
 */
export function scaleByTrustRatio(options: TrustRatioOptions = {}): GradientTransformation<Empty> {
  checkScaleByTrustRatio(options);
  const { coefficient = 1, weightDecay = 0, epsilon = 0 } = options;
  check('scaleByTrustRatio', 'positive', { coefficient });
  check('scaleByTrustRatio', 'notNegative', { weightDecay, epsilon });
  const ratio = (u: Tensor, w: Tensor): Tensor => {
    const [updateNorm, weightNorm] = [norm(u), norm(w)];
    // The comparison is with 0 and not "greater than 0", so that a NaN gives a ratio of NaN.
    const either = logicalOr(updateNorm.equal(0), weightNorm.equal(0));
    const total = updateNorm.add(weightNorm.mul(weightDecay)).add(epsilon);
    return where(either, 1, weightNorm.mul(coefficient).div(total));
  };
  const link = stateless((updates, params) =>
    map((u, w) => u.add(w.mul(weightDecay)).mul(ratio(u, w)), updates, params),
  );
  return overTrained(link, weightDecay === 0 ? { gives: 'gradients' } : adding);
}
