/** Skips steps that would spoil the parameters. */

import { full, logicalAnd, logicalOr, type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { aNumber, signature } from '@lockstep/errors';
import { flatten, map } from '@lockstep/tree';
import { check } from './checks.ts';
import { aTransformation } from './kinds.ts';
import { partsWith } from './search.ts';
import { overTrained } from './trained.ts';
import { choose, type GradientTransformation, type TensorTree } from './transformation.ts';

export type SkipState<S> = {
  /** The number of steps skipped consecutively, and in total. float32 [] */
  readonly numInARow: Tensor;
  readonly numSkipped: Tensor;
  readonly inner: S;
};

const checkSkipNonFinite = signature('skipNonFinite', { inner: aTransformation }, { most: aNumber });

/**
 * Skips steps whose gradient has an infinity or a NaN: the update is 0 and the inner optimizer's state does not
 * change. After `most` consecutive skips the next step is applied, so that a hopeless run shows it. The gradient is
 * that of the whole cluster, so every worker decides the same.
 */
export function skipNonFinite<S extends TensorTree>(
  inner: GradientTransformation<S>,
  options: { readonly most?: number } = {},
): GradientTransformation<SkipState<S>> {
  checkSkipNonFinite(inner, options);
  const { most = 5 } = options;
  check('skipNonFinite', 'steps', { most });
  const link: GradientTransformation<SkipState<S>> = {
    init: (params) => ({ numInARow: zeros([]), numSkipped: zeros([]), inner: inner.init(params) }),
    update(grads, { numInARow, numSkipped, inner: before }, params, progress) {
      const finite = allFinite(grads);
      const passes = logicalOr(finite, numInARow.greaterEqual(most));
      const [updates, after] = inner.update(grads, before, params, progress);
      return [
        choose(passes, updates, map(zerosLike, updates)),
        {
          numInARow: where(finite, 0, numInARow.add(1)),
          numSkipped: where(passes, numSkipped, numSkipped.add(1)),
          inner: choose(passes, after, before),
        },
      ];
    },
  };
  return overTrained(link, inner.role ?? {});
}

/** Whether an optimizer's state contains {@link skipNonFinite} at any depth. */
export const skipsNonFinite = (optState: unknown): boolean =>
  partsWith(optState, 'numInARow', 'numSkipped').length > 0;

/** Whether no leaf has an infinity or a NaN. bool [] */
const allFinite = (tree: TensorTree): Tensor =>
  flatten(tree)
    // 0·x is 0 for every finite x and NaN otherwise.
    .leaves.map((x) => x.mul(0).sum().equal(0))
    .reduce((all, finite) => logicalAnd(all, finite), full([], 1, 'bool'));
