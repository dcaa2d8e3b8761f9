import { div, type Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { flatten, map } from '@lockstep/tree';
import { type Empty, type GradientTransformation, stateless, type TensorTree } from './transformation.ts';

/** Moves each element into [−limit, limit]. */
export function clipByValue(limit: number): GradientTransformation<Empty> {
  requirePositive('clipByValue', limit);
  return stateless((grads) => map((g) => g.maximum(-limit).minimum(limit), grads));
}

/**
 * Shortens the gradient, all leaves taken as one vector, to at most `max`: multiplies it by min(1, max/(norm + 1e-6)),
 * as PyTorch's `clip_grad_norm_` does (Pascanu et al., 2013).
 */
export function clipByGlobalNorm(max: number): GradientTransformation<Empty> {
  requirePositive('clipByGlobalNorm', max);
  return stateless((grads) => {
    const coefficient = div(max, globalNorm(grads).add(1e-6)).minimum(1);
    return map((g) => g.mul(coefficient), grads);
  });
}

/** The Euclidean norm of all leaves taken as one vector. [] */
export function globalNorm(tree: TensorTree): Tensor {
  const { leaves } = flatten(tree);
  if (leaves.length === 0) {
    throw new LockstepError('argument', 'globalNorm: the tree has no tensors; give at least one', {});
  }
  return leaves
    .map((leaf) => leaf.square().sum())
    .reduce((total, squares) => total.add(squares))
    .sqrt();
}

function requirePositive(name: string, limit: number): void {
  if (limit > 0) return;
  throw new LockstepError('argument', `${name}: the limit is ${limit}; it must be greater than 0`, { limit });
}
