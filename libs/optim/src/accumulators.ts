/** Links that keep one or two running sums or averages: momentum, RMSprop, Adagrad, Adadelta, Lion. */

import { flush, full, type Tensor, where, zerosLike } from '@lockstep/autodiff';
import { aBoolean, aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { aRate } from './kinds.ts';
import { average, averageTree, quotient, squared } from './moments.ts';
import type { Schedule } from './schedule.ts';
import { overTrained } from './trained.ts';
import { dtypeOf, type GradientTransformation, scheduleAt, type TensorTree } from './transformation.ts';

/** Decaying sums of past updates, one per parameter. */
export type MomentumState = { readonly velocity: TensorTree };

export interface MomentumOptions {
  /** Whether the update looks ahead along the momentum: g + momentum·v. Default false. */
  readonly nesterov?: boolean;
  /** The fraction of each gradient but the first that is not added to v. Default 0. */
  readonly dampening?: number;
}

export const momentumRules: Rules<MomentumOptions> = { nesterov: aBoolean, dampening: aNumber };

const checkTraceMomentum = signature('traceMomentum', { momentum: aRate }, momentumRules);

/**
 * v = momentum·v + (1 − dampening)·g; the update is v (Sutskever et al., 2013; as in PyTorch, v = g at first). The
 * momentum is a number or a schedule.
 */
export function traceMomentum(
  momentum: number | Schedule,
  options: MomentumOptions = {},
): GradientTransformation<MomentumState> {
  checkTraceMomentum(momentum, options);
  const { nesterov = false, dampening = 0 } = options;
  if (typeof momentum === 'number') check('traceMomentum', 'decay', { momentum });
  check('traceMomentum', 'share', { dampening });
  if (momentum === 0 && (nesterov || dampening !== 0)) {
    throw new LockstepError(
      'argument',
      'traceMomentum: nesterov and dampening need a momentum greater than 0, not 0; give one, or leave them out',
      { momentum, nesterov, dampening },
    );
  }
  if (nesterov && dampening !== 0) {
    throw new LockstepError(
      'argument',
      `traceMomentum: nesterov needs a dampening of 0, not ${dampening}; leave one of them out`,
      { dampening },
    );
  }
  const link: GradientTransformation<MomentumState> = {
    init: (params) => ({ velocity: map(zerosLike, params) }),
    update(grads, state, _params, progress) {
      const { step } = progress;
      const at = scheduleAt(progress);
      const kept =
        typeof momentum === 'number' ? momentum : momentum(at.step.cast(dtypeOf(grads)), at.totalSteps);
      const part = (g: Tensor): Tensor =>
        dampening === 0 ? g : g.mul(where(step.cast(g.dtype).equal(0), full([], 1, g.dtype), 1 - dampening));
      const velocity = map((g, v) => flush(v.mul(kept).add(part(g))), grads, state.velocity);
      const ahead = (g: Tensor, v: Tensor): Tensor => g.add(v.mul(kept));
      return [nesterov ? map(ahead, grads, velocity) : velocity, { velocity }];
    },
  };
  return overTrained(link);
}

export type RmsState = {
  /** Averages of squared gradients. */
  readonly squares: TensorTree;
  /** With `centered`: averages of gradients. */
  readonly means?: TensorTree;
};

export interface RmsOptions {
  /** Decay of the averages. Default 0.99. */
  readonly decay?: number;
  /** Added to the root. Default 1e-8. */
  readonly epsilon?: number;
  /**
   * Whether to divide by the standard deviation: the squared mean is subtracted from the mean square. Default false.
   */
  readonly centered?: boolean;
}

export const rmsRules: Rules<RmsOptions> = { decay: aNumber, epsilon: aNumber, centered: aBoolean };

const checkScaleByRms = signature('scaleByRms', {}, rmsRules);

/** g/(√s + ε), where s is the average of g² (Tieleman and Hinton, 2012) or, centered, the variance (Graves, 2013). */
export function scaleByRms(options: RmsOptions = {}): GradientTransformation<RmsState> {
  checkScaleByRms(options);
  const { decay = 0.99, epsilon = 1e-8, centered = false } = options;
  check('scaleByRms', 'decay', { decay });
  check('scaleByRms', 'notNegative', { epsilon });
  const link: GradientTransformation<RmsState> = {
    init: (params) => ({
      squares: map(zerosLike, params),
      ...(centered ? { means: map(zerosLike, params) } : {}),
    }),
    update(grads, state) {
      const squares = averageTree(decay, state.squares, grads, squared);
      const means = centered ? averageTree(decay, state.means, grads) : undefined;
      // A variance that is negative by rounding counts as 0.
      const variance = (s: Tensor, m: Tensor): Tensor => s.sub(m.square()).maximum(0);
      const spread = centered ? map(variance, squares, means) : squares;
      const updates = map((g, s) => quotient(g, s.sqrt().add(epsilon), s, epsilon), grads, spread);
      return [updates, centered ? { squares, means } : { squares }];
    },
  };
  return overTrained(link);
}

export type AdagradState = {
  /** Sums of squared gradients. */
  readonly squares: TensorTree;
};

export interface AdagradLinkOptions {
  /** The initial value of the sums. Default 0. */
  readonly initialAccumulator?: number;
  /** Added to the root. Default 1e-10. */
  readonly epsilon?: number;
}

export const adagradLinkRules: Rules<AdagradLinkOptions> = { initialAccumulator: aNumber, epsilon: aNumber };

const checkScaleByAdagrad = signature('scaleByAdagrad', {}, adagradLinkRules);

/** g/(√s + ε), where s is the sum of g² (Duchi et al., 2011; as in PyTorch). */
export function scaleByAdagrad(options: AdagradLinkOptions = {}): GradientTransformation<AdagradState> {
  checkScaleByAdagrad(options);
  const { initialAccumulator = 0, epsilon = 1e-10 } = options;
  check('scaleByAdagrad', 'notNegative', { initialAccumulator, epsilon });
  const link: GradientTransformation<AdagradState> = {
    init: (params) => ({
      squares: map(({ shape, dtype }: Tensor) => full(shape, initialAccumulator, dtype), params),
    }),
    update(grads, state) {
      const squares = map((s, g) => s.add(g.square()), state.squares, grads);
      return [map((g, s) => quotient(g, s.sqrt().add(epsilon), s, epsilon), grads, squares), { squares }];
    },
  };
  return overTrained(link);
}

export type AdadeltaState = {
  /** Averages of squared gradients and of squared updates. */
  readonly squares: TensorTree;
  readonly deltas: TensorTree;
};

export interface AdadeltaLinkOptions {
  /** ρ: decay of both averages. Default 0.9. */
  readonly decay?: number;
  /** Added under both roots. Default 1e-6. */
  readonly epsilon?: number;
}

export const adadeltaLinkRules: Rules<AdadeltaLinkOptions> = { decay: aNumber, epsilon: aNumber };

const checkScaleByAdadelta = signature('scaleByAdadelta', {}, adadeltaLinkRules);

/** √(d + ε)/√(s + ε)·g, where s and d are the averages of squared gradients and updates (Zeiler, 2012, algorithm 1). */
export function scaleByAdadelta(options: AdadeltaLinkOptions = {}): GradientTransformation<AdadeltaState> {
  checkScaleByAdadelta(options);
  const { decay = 0.9, epsilon = 1e-6 } = options;
  check('scaleByAdadelta', 'decay', { decay });
  check('scaleByAdadelta', 'notNegative', { epsilon });
  const link: GradientTransformation<AdadeltaState> = {
    init: (params) => ({ squares: map(zerosLike, params), deltas: map(zerosLike, params) }),
    update(grads, state) {
      const squares = averageTree(decay, state.squares, grads, squared);
      const updates = map(
        (g, s, d) => quotient(d.add(epsilon).sqrt(), s.add(epsilon).sqrt(), s, epsilon).mul(g),
        grads,
        squares,
        state.deltas,
      );
      return [updates, { squares, deltas: averageTree(decay, state.deltas, updates, squared) }];
    },
  };
  return overTrained(link);
}

export type LionState = {
  /** The average of gradients. */
  readonly first: TensorTree;
};

export interface LionLinkOptions {
  /** The weight of the average in the update. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the average. Default 0.99. */
  readonly beta2?: number;
}

export const lionLinkRules: Rules<LionLinkOptions> = { beta1: aNumber, beta2: aNumber };

const checkScaleByLion = signature('scaleByLion', {}, lionLinkRules);

/** sign(β₁·m + (1 − β₁)·g), then m = β₂·m + (1 − β₂)·g (Chen et al., 2023, algorithm 2). */
export function scaleByLion(options: LionLinkOptions = {}): GradientTransformation<LionState> {
  checkScaleByLion(options);
  const { beta1 = 0.9, beta2 = 0.99 } = options;
  check('scaleByLion', 'decay', { beta1, beta2 });
  const link: GradientTransformation<LionState> = {
    init: (params) => ({ first: map(zerosLike, params) }),
    update(grads, { first }) {
      const updates = map((m, g) => average(beta1, m, g).sign(), first, grads);
      return [updates, { first: averageTree(beta2, first, grads) }];
    },
  };
  return overTrained(link);
}
