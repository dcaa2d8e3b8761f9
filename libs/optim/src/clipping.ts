/** Bounds on gradients. Limits are checked when a link is made. */

import { div, type Tensor, where } from '@lockstep/autodiff';
import { aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { flatten, map } from '@lockstep/tree';
import { check } from './checks.ts';
import { aTree } from './kinds.ts';
import { overTrained } from './trained.ts';
import { type Empty, type GradientTransformation, stateless, type TensorTree } from './transformation.ts';

const checkClipByValue = signature('clipByValue', { limit: aNumber }, {});

/** Clips each element to [−limit, limit]. */
export function clipByValue(limit: number, ...none: []): GradientTransformation<Empty> {
  checkClipByValue(limit, ...none);
  check('clipByValue', 'positive', { limit });
  return overTrained(stateless((grads) => map((g) => g.maximum(-limit).minimum(limit), grads)));
}

const checkClipByGlobalNorm = signature('clipByGlobalNorm', { max: aNumber }, {});

/**
 * Scales the gradient, all leaves taken as one vector, to a norm of at most `max`: multiplies it by min(1, max/(norm
 * + 1e-6)), as PyTorch's `clip_grad_norm_` does (Pascanu et al., 2013).
 */
export function clipByGlobalNorm(max: number, ...none: []): GradientTransformation<Empty> {
  checkClipByGlobalNorm(max, ...none);
  check('clipByGlobalNorm', 'positive', { max });
  return overTrained(
    stateless((grads) => {
      const coefficient = div(max, globalNorm(grads).add(1e-6)).minimum(1);
      return map((g) => g.mul(coefficient), grads);
    }),
  );
}

const checkClipByNorm = signature('clipByNorm', { max: aNumber }, {});

/** {@link clipByGlobalNorm} for each tensor by itself. */
export function clipByNorm(max: number, ...none: []): GradientTransformation<Empty> {
  checkClipByNorm(max, ...none);
  check('clipByNorm', 'positive', { max });
  return overTrained(stateless((grads) => map((g) => g.mul(div(max, norm(g).add(1e-6)).minimum(1)), grads)));
}

export interface AdaptiveClipOptions {
  /** The largest norm of a unit's gradient, as a fraction of the norm of its weights. Default 0.01. */
  readonly clipping?: number;
  /** A lower bound for the norm of weights, so that weights that start at 0 can move. Default 1e-3. */
  readonly epsilon?: number;
}

export const adaptiveClipRules: Rules<AdaptiveClipOptions> = { clipping: aNumber, epsilon: aNumber };

const checkClipAdaptively = signature('clipAdaptively', {}, adaptiveClipRules);

/**
 * Scales the gradient of each unit with ‖g‖ > clipping·max(‖w‖, ε) to that norm (Brock et al., 2021, equation 3). A
 * unit makes one output: it is a column of a dense kernel [in, out], a filter of a convolution [.., in, out], or a
 * whole tensor of rank 0 or 1.
 */
export function clipAdaptively(options: AdaptiveClipOptions = {}): GradientTransformation<Empty> {
  checkClipAdaptively(options);
  const { clipping = 0.01, epsilon = 1e-3 } = options;
  check('clipAdaptively', 'positive', { clipping, epsilon });
  return overTrained(
    stateless((grads, params) =>
      map(
        (g, w) => {
          const longest = unitNorm(w).maximum(epsilon).mul(clipping);
          const length = unitNorm(g);
          // This form of the comparison spreads a NaN in a unit to the whole unit, as the norm does.
          return where(length.lessEqual(longest), g, g.mul(longest.div(length.maximum(1e-6))));
        },
        grads,
        params,
      ),
    ),
  );
}

/**
 * Subtracts the mean of each unit's gradient (Yong et al., 2020, equation 1); units are those of {@link
 * clipAdaptively}. Tensors of rank 0 or 1 do not change.
 */
export function centralizeGradients(): GradientTransformation<Empty> {
  const centred = (g: Tensor): Tensor => (g.rank < 2 ? g : g.sub(g.mean(axesOfUnit(g), { keepDims: true })));
  return overTrained(stateless((grads) => map(centred, grads)));
}

const checkGlobalNorm = signature('globalNorm', { tree: aTree });

/** The Euclidean norm of all leaves taken as one vector. [] */
export function globalNorm(tree: TensorTree): Tensor {
  checkGlobalNorm(tree);
  return squaredNorm(tree).sqrt();
}

/** The sum of the squares of all leaves. [] */
export function squaredNorm(tree: TensorTree): Tensor {
  const { leaves } = flatten(tree);
  if (leaves.length === 0) {
    throw new LockstepError('argument', 'globalNorm: the tree has no tensors; give at least one', {});
  }
  return leaves.map((leaf) => leaf.square().sum()).reduce((total, squares) => total.add(squares));
}

/** The Euclidean norm of a tensor. [] */
export const norm = (x: Tensor): Tensor => x.square().sum().sqrt();

/** The norm of each unit, in a shape that broadcasts against `x`. */
const unitNorm = (x: Tensor): Tensor => x.square().sum(axesOfUnit(x), { keepDims: true }).sqrt();

/** All axes but the last, that of outputs; every axis below rank 2. */
const axesOfUnit = ({ rank }: Tensor): number[] =>
  Array.from({ length: rank < 2 ? rank : rank - 1 }, (_, i) => i);
