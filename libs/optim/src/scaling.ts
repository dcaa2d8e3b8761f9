/** The links that optimizers are chained of. */
import { flush, type Tensor, zeros, zerosLike } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { flatten, map } from '@lockstep/tree';
import type { Schedule } from './schedule.ts';
import { type Empty, type GradientTransformation, stateless, type TensorTree } from './transformation.ts';

/** Multiplies updates by the schedule's value. */
export function scaleBySchedule(schedule: Schedule): GradientTransformation<Empty> {
  return stateless((grads, _params, { step, totalSteps }) => {
    const factor = schedule(step, totalSteps);
    return map((g) => g.mul(factor.cast(g.dtype)), grads);
  });
}

/** Multiplies updates by −rate: the step downhill. */
export function scaleByLearningRate(rate: number | Schedule): GradientTransformation<Empty> {
  if (typeof rate === 'number') return stateless((grads) => map((g) => g.mul(-rate), grads));
  return scaleBySchedule((step, totalSteps) => rate(step, totalSteps).neg());
}

/** Adds decay·w to each update. */
export function addDecayedWeights(decay: number): GradientTransformation<Empty> {
  return stateless((grads, params) => map((g, w) => g.add(w.mul(decay)), grads, params));
}

/** Sums of past updates, one for each parameter. */
export type MomentumState = { readonly velocity: TensorTree };

/** v = momentum·v + g; the update is v, or with Nesterov's g + momentum·v (Sutskever et al., 2013; as in PyTorch). */
export function scaleByMomentum(momentum: number, nesterov = false): GradientTransformation<MomentumState> {
  requireDecay('scaleByMomentum', 'momentum', momentum);
  return {
    init: (params) => ({ velocity: map(zerosLike, params) }),
    update(grads, state) {
      const velocity = map((g, v) => flush(v.mul(momentum).add(g)), grads, state.velocity);
      const ahead = (g: Tensor, v: Tensor): Tensor => g.add(v.mul(momentum));
      return [nesterov ? map(ahead, grads, velocity) : velocity, { velocity }];
    },
  };
}

export type AdamState = {
  /** Moving averages of gradients and of their squares, one for each parameter. */
  readonly first: TensorTree;
  readonly second: TensorTree;
  /** The same averages of a constant 1, which are 1 − β₁ᵗ and 1 − β₂ᵗ without a power or a cancellation. [] */
  readonly firstOfOne: Tensor;
  readonly secondOfOne: Tensor;
};

export interface AdamOptions {
  /** Decay of the average of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the average of their squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root. Default 1e-8. */
  readonly epsilon?: number;
}

/** The first moment divided by the root of the second, both corrected for their start at 0 (Kingma and Ba, 2015). */
export function scaleByAdam({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
}: AdamOptions = {}): GradientTransformation<AdamState> {
  requireDecay('scaleByAdam', 'beta1', beta1);
  requireDecay('scaleByAdam', 'beta2', beta2);
  const average = (beta: number, old: Tensor, value: Tensor | number): Tensor =>
    old.mul(beta).add(typeof value === 'number' ? value * (1 - beta) : value.mul(1 - beta));
  return {
    init(params) {
      const { dtype } = flatten(params).leaves[0] ?? { dtype: 'float32' };
      return {
        first: map(zerosLike, params),
        second: map(zerosLike, params),
        firstOfOne: zeros([], dtype),
        secondOfOne: zeros([], dtype),
      };
    },
    update(grads, state) {
      const first = map((g, m) => flush(average(beta1, m, g)), grads, state.first);
      const second = map((g, v) => flush(average(beta2, v, g.square())), grads, state.second);
      const firstOfOne = average(beta1, state.firstOfOne, 1);
      const secondOfOne = average(beta2, state.secondOfOne, 1);
      // m̂/(√v̂ + ε) with both sides multiplied by 1 − β₁ᵗ: the corrections are scalars, not passes over the moments.
      const scale = firstOfOne.div(secondOfOne.sqrt());
      const offset = firstOfOne.mul(epsilon);
      const updates = map((m, v) => m.div(v.sqrt().mul(scale).add(offset)), first, second);
      return [updates, { first, second, firstOfOne, secondOfOne }];
    },
  };
}

/** The part of an average that is kept from step to step. */
function requireDecay(link: string, name: string, decay: number): void {
  if (decay >= 0 && decay < 1) return;
  throw new LockstepError('argument', `${link}: ${name} is ${decay}; it must be at least 0 and less than 1`, {
    link,
    name,
    decay,
  });
}
