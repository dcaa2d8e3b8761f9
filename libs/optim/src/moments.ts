/** Links that keep moving averages of the gradient and of its square: Adam and its variants. */

import { exp, flush, type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { aBoolean, aNumber, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { overTrained } from './trained.ts';
import { dtypeOf, type GradientTransformation, type TensorTree } from './transformation.ts';

/** decay·old + (1 − decay)·value */
export const average = (decay: number, old: Tensor, value: Tensor | number): Tensor =>
  old.mul(decay).add(typeof value === 'number' ? value * (1 - decay) : value.mul(1 - decay));

/** {@link average} of `f` of each leaf. Flushes denormal numbers, into which averages would decay. */
export const averageTree = (
  decay: number,
  old: TensorTree,
  values: TensorTree,
  f: (value: Tensor) => Tensor = (value) => value,
): TensorTree => map((a, value) => flush(average(decay, a, f(value))), old, values);

/**
 * numerator/denominator, where the denominator is `spread` plus epsilon. 0 (no update) if the spread vanishes and
 * epsilon cannot replace it: moments below 1e-30, and gradients below the root of that, count as 0, while an epsilon
 * of that size or more keeps the quotient small by itself.
 */
export const quotient = (numerator: Tensor, denominator: Tensor, spread: Tensor, epsilon: number): Tensor => {
  const ratio = numerator.div(denominator);
  return epsilon >= 1e-15 ? ratio : where(spread.equal(0), 0, ratio);
};

export const squared = (x: Tensor): Tensor => x.square();

export type MomentsState = {
  /** Moving averages of gradients and of their squares, one per parameter. */
  readonly first: TensorTree;
  readonly second: TensorTree;
  /** The same averages of the constant 1: 1 − β₁ᵗ and 1 − β₂ᵗ, without powers or cancellation. [] */
  readonly firstOfOne: Tensor;
  readonly secondOfOne: Tensor;
};

export interface MomentsOptions {
  /** Decay of the average of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay of the average of their squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root. Default 1e-8. If it is 0, a second moment of 0 (below 1e-30) gives no update. */
  readonly epsilon?: number;
}

export const momentsRules: Rules<MomentsOptions> = { beta1: aNumber, beta2: aNumber, epsilon: aNumber };

const defaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

function resolve(link: string, options: MomentsOptions): Required<MomentsOptions> {
  const { beta1, beta2, epsilon } = { ...defaults, ...options };
  check(link, 'decay', { beta1, beta2 });
  check(link, 'notNegative', { epsilon });
  return { beta1, beta2, epsilon };
}

function initMoments(params: TensorTree): MomentsState {
  const dtype = dtypeOf(params);
  return {
    first: map(zerosLike, params),
    second: map(zerosLike, params),
    firstOfOne: zeros([], dtype),
    secondOfOne: zeros([], dtype),
  };
}

function updateMoments(
  { beta1, beta2 }: Required<MomentsOptions>,
  grads: TensorTree,
  state: MomentsState,
): MomentsState {
  return {
    first: averageTree(beta1, state.first, grads),
    second: averageTree(beta2, state.second, grads, squared),
    firstOfOne: average(beta1, state.firstOfOne, 1),
    secondOfOne: average(beta2, state.secondOfOne, 1),
  };
}

export type AdamState = MomentsState & {
  /** With `amsgrad`: the maxima of the second moments so far. */
  readonly largest?: TensorTree;
};

export interface AdamOptions extends MomentsOptions {
  /** Whether to divide by the maximum of the second moments so far (Reddi et al., 2018). Default false. */
  readonly amsgrad?: boolean;
}

export const adamRules: Rules<AdamOptions> = { ...momentsRules, amsgrad: aBoolean };

const checkScaleByAdam = signature('scaleByAdam', {}, adamRules);

/** The first moment divided by the root of the second, both corrected for their start at 0 (Kingma and Ba, 2015). */
export function scaleByAdam(options: AdamOptions = {}): GradientTransformation<AdamState> {
  checkScaleByAdam(options);
  const resolved = resolve('scaleByAdam', options);
  const { amsgrad = false } = options;
  const link: GradientTransformation<AdamState> = {
    init: (params) => ({
      ...initMoments(params),
      ...(amsgrad ? { largest: map(zerosLike, params) } : {}),
    }),
    update(grads, { largest: before, ...state }) {
      const moments = updateMoments(resolved, grads, state);
      const { first, second, firstOfOne, secondOfOne } = moments;
      const largest = amsgrad ? map((a, b) => a.maximum(b), before, second) : second;
      // m̂/(√v̂ + ε), with both sides multiplied by 1 − β₁ᵗ: the corrections then apply to scalars, not to the moments.
      const scale = firstOfOne.div(secondOfOne.sqrt());
      const offset = firstOfOne.mul(resolved.epsilon);
      const updates = map(
        (m, v) => quotient(m, v.sqrt().mul(scale).add(offset), v, resolved.epsilon),
        first,
        largest,
      );
      return [updates, amsgrad ? { ...moments, largest } : moments];
    },
  };
  return overTrained(link);
}

export type NadamState = MomentsState & {
  /** ∏μᵢ over the updates so far. [] */
  readonly product: Tensor;
};

export interface NadamOptions extends MomentsOptions {
  /** ψ: how fast μ rises from β₁/2 to β₁. Default 0.004. */
  readonly momentumDecay?: number;
}

export const nadamRules: Rules<NadamOptions> = { ...momentsRules, momentumDecay: aNumber };

/** ln 0.96, from Dozat's momentum schedule. */
const LOG_OF_096 = -0.040821994520255166;

const checkScaleByNadam = signature('scaleByNadam', {}, nadamRules);

/**
 * Adam with Nesterov's momentum (Dozat, 2016): μₜ = β₁·(1 − ½·0.96^(t·ψ)), and the update is ((1 − μₜ)/(1 − ∏μ)·g +
 * μₜ₊₁/(1 − μₜ₊₁·∏μ)·m)/(√v̂ + ε), as PyTorch documents it. (PyTorch 1.13 without `foreach` deviates: it multiplies
 * ∏μ by μₜ twice.)
 */
export function scaleByNadam(options: NadamOptions = {}): GradientTransformation<NadamState> {
  checkScaleByNadam(options);
  const resolved = resolve('scaleByNadam', options);
  const { momentumDecay = 0.004 } = options;
  check('scaleByNadam', 'notNegative', { momentumDecay });
  const momentumAt = (t: Tensor): Tensor =>
    exp(t.mul(momentumDecay * LOG_OF_096))
      .mul(-0.5)
      .add(1)
      .mul(resolved.beta1);
  const link: GradientTransformation<NadamState> = {
    init: (params) => ({ ...initMoments(params), product: zeros([], dtypeOf(params)).add(1) }),
    update(grads, state, _params, { step }) {
      const moments = updateMoments(resolved, grads, state);
      const { first, second, secondOfOne } = moments;
      const t = step.cast(secondOfOne.dtype).add(1);
      const [now, next] = [momentumAt(t), momentumAt(t.add(1))];
      const product = state.product.mul(now);
      const ofGradient = now.neg().add(1).div(product.neg().add(1));
      const ofMoment = next.div(product.mul(next).neg().add(1));
      const root = secondOfOne.sqrt();
      const updates = map(
        (g, m, v) => {
          const ahead = g.mul(ofGradient).add(m.mul(ofMoment));
          return quotient(ahead, v.sqrt().div(root).add(resolved.epsilon), v, resolved.epsilon);
        },
        grads,
        first,
        second,
      );
      return [updates, { ...moments, product }];
    },
  };
  return overTrained(link);
}

export type RadamState = MomentsState & {
  /** The average age of gradients in the second moment, times `secondOfOne`; the newest gradient has age 1. [] */
  readonly age: Tensor;
};

const checkScaleByRadam = signature('scaleByRadam', {}, momentsRules);

/**
 * Adam that waits until its second moment covers enough gradients: if ρₜ, the length of a plain average of the same
 * age, is above 5, the update is r·m̂/√v̂, else m̂ (Liu et al., 2020, algorithm 2; ε as in PyTorch).
 *
 * ρₜ = ρ∞ − 2tβ₂ᵗ/(1 − β₂ᵗ) would lose in float32 the digits that the comparison with 5 needs. It equals twice the
 * mean age of the gradients less 1, and the age can be averaged like the gradients: as a sum of positive numbers.
 */
export function scaleByRadam(options: MomentsOptions = {}): GradientTransformation<RadamState> {
  checkScaleByRadam(options);
  const resolved = resolve('scaleByRadam', options);
  const { beta2, epsilon } = resolved;
  const longest = 2 / (1 - beta2) - 1;
  const ofLongest = longest / ((longest - 4) * (longest - 2));
  const link: GradientTransformation<RadamState> = {
    init: (params) => ({ ...initMoments(params), age: zeros([], dtypeOf(params)) }),
    update(grads, state) {
      const moments = updateMoments(resolved, grads, state);
      const { first, second, firstOfOne, secondOfOne } = moments;
      // All ages grow by one, and the new gradient gets age 1.
      const age = state.age.mul(beta2).add(secondOfOne);
      const length = age.div(secondOfOne).mul(2).sub(1);
      const enough = length.greater(5);
      const spread = length.sub(4).mul(length.sub(2)).mul(ofLongest).div(length);
      const adapt = where(enough, spread, 1).mul(secondOfOne).sqrt();
      const updates = map(
        (m, v) => {
          const mean = m.div(firstOfOne);
          const factor = quotient(adapt, v.sqrt().add(epsilon), v, epsilon);
          return where(enough, mean.mul(factor), mean);
        },
        first,
        second,
      );
      return [updates, { ...moments, age }];
    },
  };
  return overTrained(link);
}

export type AdamaxState = {
  /** The average of gradients. */
  readonly first: TensorTree;
  /** The decaying maximum of the gradient's magnitude. */
  readonly largest: TensorTree;
  /** 1 − β₁ᵗ [] */
  readonly firstOfOne: Tensor;
};

const checkScaleByAdamax = signature('scaleByAdamax', {}, momentsRules);

/**
 * Adam with the infinity norm: u = max(β₂·u, |g| + ε); the update is m̂/u (Kingma and Ba, 2015, algorithm 2; ε as in
 * PyTorch).
 */
export function scaleByAdamax(options: MomentsOptions = {}): GradientTransformation<AdamaxState> {
  checkScaleByAdamax(options);
  const { beta1, beta2, epsilon } = resolve('scaleByAdamax', options);
  const link: GradientTransformation<AdamaxState> = {
    init: (params) => ({
      first: map(zerosLike, params),
      largest: map(zerosLike, params),
      firstOfOne: zeros([], dtypeOf(params)),
    }),
    update(grads, state) {
      const first = averageTree(beta1, state.first, grads);
      const largest = map((u, g) => u.mul(beta2).maximum(g.abs().add(epsilon)), state.largest, grads);
      const firstOfOne = average(beta1, state.firstOfOne, 1);
      return [
        map((m, u) => quotient(m, u.mul(firstOfOne), u, epsilon), first, largest),
        { first, largest, firstOfOne },
      ];
    },
  };
  return overTrained(link);
}
