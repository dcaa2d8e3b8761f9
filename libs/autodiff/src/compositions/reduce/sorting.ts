/** Sorted elements and the k largest. */

import { aBoolean, aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis } from '@lockstep/tensor';
import { anAxis, aTensor } from '../../kinds.ts';
import { argSort, type SortOptions, sortRules } from '../../primitives/reduce/order.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { takeAlongAxis } from '../shape/taking.ts';

const checkSort = signature('sort', { x: aTensor, 'axis?': anAxis }, sortRules);

/**
 * The elements along `axis`, the last by default, in ascending order. The gradient of each element goes to its origin.
 */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  checkSort(x, axis, options);
  const along = normalizeAxis('sort', axis, x.rank);
  return takeAlongAxis(x, argSort(x, along, options), along);
}

export interface TopKOptions {
  /** Take the smallest elements instead of the largest. Default false. */
  readonly smallest?: boolean;
}

export const topKRules: Rules<TopKOptions> = { smallest: aBoolean };

const checkTopK = signature('topK', { x: aTensor, k: aNumber, 'axis?': anAxis }, topKRules);

/**
 * The k largest elements along `axis`, the last by default, the largest first, and their indices (int32). Among equal
 * elements the first comes first.
 */
export function topK(
  x: Tensor,
  k: number,
  axis = -1,
  options: TopKOptions = {},
): { values: Tensor; indices: Tensor } {
  checkTopK(x, k, axis, options);
  const { smallest = false } = options;
  const along = normalizeAxis('topK', axis, x.rank);
  if (!Number.isInteger(k) || k < 0 || k > x.shape[along]!) {
    throw new LockstepError(
      'argument',
      `topK: there are ${x.shape[along]} elements along axis ${along} of ${formatShape(x.shape)}, so k is a whole number up to that, not ${k}`,
      { op: 'topK', shape: x.shape, k },
    );
  }
  const indices = slice(argSort(x, along, { descending: !smallest }), [], x.shape.with(along, k));
  return { values: takeAlongAxis(x, indices, along), indices };
}
