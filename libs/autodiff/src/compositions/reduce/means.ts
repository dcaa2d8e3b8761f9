/** Products, means, log-sum-exp and softmax over axes. */

import { signature } from '@lockstep/errors';
import { normalizeAxes, normalizeAxis } from '@lockstep/tensor';
import { full, onesLike } from '../../convert.ts';
import { anAxis, aTensor, someAxes } from '../../kinds.ts';
import { stopGradient } from '../../primitives/elementwise/cast.ts';
import {
  abs,
  add,
  div,
  equal,
  exp,
  less,
  log,
  mul,
  sub,
  where,
} from '../../primitives/elementwise/fusible.ts';
import { requireArithmetic, requireFloat } from '../../primitives/elementwise/rules.ts';
import { max, requireSome } from '../../primitives/reduce/extrema.ts';
import {
  type ReduceOptions,
  reduceGeometry,
  reduceRules,
  reduceRuns,
  restoreAxes,
  sum,
  without,
} from '../../primitives/reduce/sum.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';

const checkProd = signature('prod', { x: aTensor, 'axes?': someAxes }, reduceRules);

/**
 * The product over `axes` (all by default); 1 for an empty array. Halves are multiplied until one element is left, so
 * the gradient needs no division and is right at zeros too.
 */
export function prod(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkProd(x, axes, options);
  const list = normalizeAxes('prod', axes, x.rank);
  requireArithmetic('prod', x);
  return restoreAxes(reduceRuns(x, list, productOfRun), x, list, options);
}

function productOfRun(x: Tensor, axis: number, count: number): Tensor {
  const { outer, size, inner } = reduceGeometry(x.shape, axis, count);
  const shape = without(x.shape, axis, count);
  if (size === 0) return full(shape, 1, x.dtype);
  let factors = reshape(x, [outer, size, inner]);
  for (let left = size; left > 1; left = Math.ceil(left / 2)) {
    const half = Math.floor(left / 2);
    const products = mul(slice(factors, [0, 0], [outer, half]), slice(factors, [0, half], [outer, 2 * half]));
    factors = 2 * half === left ? products : concatenate([products, slice(factors, [0, 2 * half])], 1);
  }
  return reshape(factors, shape);
}

const checkMean = signature('mean', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** The sum over `axes` (all by default) divided by the number of elements. */
export function mean(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkMean(x, axes, options);
  const list = normalizeAxes('mean', axes, x.rank);
  requireFloat('mean', x);
  const count = list.reduce((product, axis) => product * x.shape[axis]!, 1);
  // Divided once: a product with a rounded 1 / count would be rounded twice.
  return div(sum(x, list, options), count);
}

const checkLogSumExp = signature('logSumExp', { x: aTensor, 'axes?': someAxes }, reduceRules);

/**
 * log Σ exp(x) over `axes` (all by default), shifted by the maximum so that nothing overflows. If all elements are −∞
 * the result is −∞.
 */
export function logSumExp(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkLogSumExp(x, axes, options);
  const list = normalizeAxes('logSumExp', axes, x.rank);
  requireFloat('logSumExp', x);
  for (const axis of list) requireSome('logSumExp', x, axis, 1);
  const largest = stopGradient(max(x, list, { keepDims: true }));
  const shift = where(less(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  const total = sum(exp(sub(x, shift)), list, options);
  // If all elements are −∞ the result has slope 0; the slope of ln 0 would make it NaN.
  const isNothing = equal(total, 0);
  const logarithm = where(isNothing, Number.NEGATIVE_INFINITY, log(where(isNothing, onesLike(total), total)));
  return add(logarithm, reshape(shift, total.shape));
}

const checkLogSoftmax = signature('logSoftmax', { x: aTensor, 'axis?': anAxis });

/** x − log Σ exp(x) over `axis`, the last by default. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  checkLogSoftmax(x, axis);
  const shifted = belowLargest('logSoftmax', x, axis);
  return sub(shifted, log(sum(exp(shifted), axis, { keepDims: true })));
}

const checkSoftmax = signature('softmax', { x: aTensor, 'axis?': anAxis });

/** exp(x) / Σ exp(x) over `axis`, the last by default. */
export function softmax(x: Tensor, axis = -1): Tensor {
  checkSoftmax(x, axis);
  const weights = exp(belowLargest('softmax', x, axis));
  return div(weights, sum(weights, axis, { keepDims: true }));
}

/**
 * x minus its largest element along the axis. The largest element counts as a constant, since both functions are the
 * same for any shift.
 */
function belowLargest(op: string, x: Tensor, axis: number): Tensor {
  const along = normalizeAxis(op, axis, x.rank);
  requireFloat(op, x);
  requireSome(op, x, along, 1);
  return sub(x, stopGradient(max(x, along, { keepDims: true })));
}
