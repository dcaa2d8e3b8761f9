/** The usual optimizers, as chains of transformations. A learning rate is a number or a schedule. */
import { LockstepError } from '@lockstep/errors';
import {
  type AdamOptions,
  type AdamState,
  addDecayedWeights,
  type MomentumState,
  scaleByAdam,
  scaleByLearningRate,
  scaleByMomentum,
} from './scaling.ts';
import type { Schedule } from './schedule.ts';
import { chain, type Empty, type GradientTransformation, stateless } from './transformation.ts';

type Rate = number | Schedule;

export interface SgdOptions {
  /** What is kept of the last update's direction. Default 0. */
  readonly momentum?: number;
  /** Look ahead along the momentum. Default false. */
  readonly nesterov?: boolean;
  /** Adds weightDecay·w to the gradient. Default 0. */
  readonly weightDecay?: number;
}

const identity = stateless((grads) => grads);

/** Stochastic gradient descent: v = momentum·v + g; w = w − rate·v. */
export function sgd(
  rate: Rate,
  { momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions = {},
): GradientTransformation<readonly [Empty, MomentumState | Empty, Empty]> {
  requireRate('sgd', rate);
  if (nesterov && momentum === 0) {
    throw new LockstepError('argument', 'sgd: nesterov needs a momentum; give one greater than 0', {
      momentum,
    });
  }
  return chain(
    weightDecay === 0 ? identity : addDecayedWeights(weightDecay),
    momentum === 0 ? identity : scaleByMomentum(momentum, nesterov),
    scaleByLearningRate(rate),
  );
}

/** Adam: w = w − rate·m̂/(√v̂ + ε) (Kingma and Ba, 2015). */
export function adam(
  rate: Rate,
  options: AdamOptions = {},
): GradientTransformation<readonly [AdamState, Empty]> {
  requireRate('adam', rate);
  return chain(scaleByAdam(options), scaleByLearningRate(rate));
}

export interface AdamWOptions extends AdamOptions {
  /** Default 0.01. */
  readonly weightDecay?: number;
}

/** Adam with weight decay apart from the gradient: w = w − rate·(m̂/(√v̂ + ε) + weightDecay·w) (Loshchilov and Hutter, 2019). */
export function adamw(
  rate: Rate,
  { weightDecay = 0.01, ...options }: AdamWOptions = {},
): GradientTransformation<readonly [AdamState, Empty, Empty]> {
  requireRate('adamw', rate);
  return chain(scaleByAdam(options), addDecayedWeights(weightDecay), scaleByLearningRate(rate));
}

function requireRate(optimizer: string, rate: Rate): void {
  if (typeof rate === 'function' || (Number.isFinite(rate) && rate >= 0)) return;
  throw new LockstepError(
    'argument',
    `${optimizer}: the learning rate is ${rate}; give a number ≥ 0 or a schedule`,
    { rate },
  );
}
