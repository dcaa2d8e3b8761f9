/** Statistics over axes, composed of sums, extremes and sorts. */

import { aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { formatShape, normalizeAxes } from '@lockstep/tensor';
import { asTensor, onesLike, type TensorLike, zerosLike } from '../../convert.ts';
import { aTensor, numberOrList, someAxes, tensorLike } from '../../kinds.ts';
import { cast, stopGradient } from '../../primitives/elementwise/cast.ts';
import {
  abs,
  add,
  div,
  equal,
  mul,
  notEqual,
  sqrt,
  square,
  sub,
  where,
} from '../../primitives/elementwise/fusible.ts';
import { pow } from '../../primitives/elementwise/powers.ts';
import { requireArithmetic, requireFloat } from '../../primitives/elementwise/rules.ts';
import { max, min } from '../../primitives/reduce/extrema.ts';
import { type ReduceOptions, reduceRules, restoreAxes, sum } from '../../primitives/reduce/sum.ts';
import { stack } from '../../primitives/shape/concatenate.ts';
import { reshape, transpose } from '../../primitives/shape/reshape.ts';
import type { Tensor } from '../../tensor.ts';
import { isNotANumber } from '../elementwise/ranges.ts';
import { at } from '../shape/at.ts';
import { mean } from './means.ts';
import { sort } from './sorting.ts';

type Axes = number | readonly number[];

const countOf = (x: Tensor, axes: readonly number[]): number =>
  axes.reduce((product, axis) => product * x.shape[axis]!, 1);

export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the count in the divisor (NumPy's ddof): 1 for the unbiased estimate. Default 0. */
  readonly correction?: number;
}

export const varianceRules: Rules<VarianceOptions> = { ...reduceRules, correction: aNumber };

const checkVariance = signature('variance', { x: aTensor, 'axes?': someAxes }, varianceRules);

/** The mean squared deviation from the mean over `axes` (all by default). */
export function variance(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  checkVariance(x, axes, options);
  return varianceOf('variance', x, axes, options);
}

function varianceOf(op: string, x: Tensor, axes: Axes | undefined, options: VarianceOptions): Tensor {
  const list = normalizeAxes(op, axes, x.rank);
  requireFloat(op, x);
  const deviations = sub(x, mean(x, list, { keepDims: true }));
  // The mean of the deviations is 0 except for the rounding error of the mean. It corrects this error and has no slope.
  const centred = sub(deviations, stopGradient(mean(deviations, list, { keepDims: true })));
  // As in NumPy, too few elements for the correction give an infinite variance or NaN, never a negative variance.
  const { correction = 0, ...kept } = options;
  const divisor = Math.max(0, countOf(x, list) - correction);
  return div(sum(square(centred), list, kept), divisor);
}

const checkStd = signature('std', { x: aTensor, 'axes?': someAxes }, varianceRules);

/** The square root of the variance; slope 0 where all elements are equal. */
export function std(x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor {
  checkStd(x, axes, options);
  return rootWithSlope(varianceOf('std', x, axes, options), sqrt);
}

/** root(x) for a root or power, with value 0 and slope 0 at 0. */
function rootWithSlope(x: Tensor, root: (x: Tensor) => Tensor): Tensor {
  const isZero = equal(x, 0);
  return where(isZero, zerosLike(x), root(where(isZero, onesLike(x), x)));
}

export interface NormOptions extends ReduceOptions {
  /** p of (Σ|x|ᵖ)^(1/p); ±Infinity for the largest or smallest |x|, 0 for the number of non-zeros. Default 2. */
  readonly order?: number;
}

export const normRules: Rules<NormOptions> = { ...reduceRules, order: aNumber };

const checkNorm = signature('norm', { x: aTensor, 'axes?': someAxes }, normRules);

/**
 * The vector norm of all elements over `axes` (all by default); for the axes of a matrix, order 2 is the Frobenius
 * norm. The slope at the origin is 0. Whole numbers have the orders 0, 1 and ±Infinity only.
 */
export function norm(x: Tensor, axes?: Axes, given: NormOptions = {}): Tensor {
  checkNorm(x, axes, given);
  const { order = 2, ...options } = given;
  const list = normalizeAxes('norm', axes, x.rank);
  if (order === 0 || order === 1 || Math.abs(order) === Number.POSITIVE_INFINITY)
    requireArithmetic('norm', x);
  else requireFloat('norm', x);
  if (order === 0) return cast(countNonZero(x, list, options), x.dtype);
  if (order === 1) return sum(abs(x), list, options);
  if (order === 2) return rootWithSlope(sum(square(x), list, options), sqrt);
  if (order === Number.POSITIVE_INFINITY) return max(abs(x), list, options);
  if (order === Number.NEGATIVE_INFINITY) return min(abs(x), list, options);
  if (order < 0) return pow(sum(pow(abs(x), order), list, options), 1 / order);
  // Below order 2 the first or second derivative of the powers is infinite at 0.
  const powers = rootWithSlope(abs(x), (size) => pow(size, order));
  return rootWithSlope(sum(powers, list, options), (total) => pow(total, 1 / order));
}

const checkCountNonZero = signature('countNonZero', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** The number of elements over `axes` (all by default) that are not 0; NaN counts. int32 */
export function countNonZero(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkCountNonZero(x, axes, options);
  const list = normalizeAxes('countNonZero', axes, x.rank);
  return sum(cast(x.dtype === 'bool' ? x : notEqual(x, 0), 'int32'), list, options);
}

const checkAny = signature('any', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** Whether any element over `axes` (all by default) is not 0; false for an empty array. bool */
export function any(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkAny(x, axes, options);
  return notEqual(countNonZero(x, normalizeAxes('any', axes, x.rank), options), 0);
}

const checkAll = signature('all', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** Whether all elements over `axes` (all by default) are not 0; true for an empty array. bool */
export function all(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkAll(x, axes, options);
  const list = normalizeAxes('all', axes, x.rank);
  return equal(countNonZero(x, list, options), countOf(x, list));
}

const checkAverage = signature(
  'average',
  { x: aTensor, weights: tensorLike, 'axes?': someAxes },
  reduceRules,
);

/**
 * Σ w·x / Σ w over `axes` (all by default). Weights broadcast against x. For a single axis they may be a vector of its
 * length.
 */
export function average(x: Tensor, weights: TensorLike, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkAverage(x, weights, axes, options);
  const list = normalizeAxes('average', axes, x.rank);
  requireFloat('average', x);
  const given = asTensor(weights, x.dtype);
  const isVector = given.rank === 1 && list.length === 1 && x.rank > 1;
  const shaped = isVector
    ? reshape(
        given,
        x.shape.map((_, axis) => (axis === list[0] ? given.size : 1)),
      )
    : given;
  const spread = mul(shaped, onesLike(x));
  return div(sum(mul(x, spread), list, options), sum(spread, list, options));
}

const checkPtp = signature('ptp', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** The largest minus the smallest element over `axes` (all by default). */
export function ptp(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkPtp(x, axes, options);
  const list = normalizeAxes('ptp', axes, x.rank);
  return sub(max(x, list, options), min(x, list, options));
}

const checkNanSum = signature('nanSum', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** The sum over `axes` (all by default) of the elements that are not NaN. */
export function nanSum(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkNanSum(x, axes, options);
  return sum(where(isNotANumber(x), zerosLike(x), x), normalizeAxes('nanSum', axes, x.rank), options);
}

const checkNanMean = signature('nanMean', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** The mean over `axes` (all by default) of the elements that are not NaN; NaN if all elements are NaN. */
export function nanMean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkNanMean(x, axes, options);
  const list = normalizeAxes('nanMean', axes, x.rank);
  requireFloat('nanMean', x);
  const counted = cast(equal(x, x), x.dtype);
  return div(nanSum(x, list, options), sum(counted, list, options));
}

const checkQuantile = signature('quantile', { x: aTensor, q: numberOrList, 'axes?': someAxes }, reduceRules);

/**
 * The value below which the fraction q (0 … 1) of the elements over `axes` (all by default) lies, interpolated between
 * the two nearest elements; NaN if any element is NaN. A list of q gives one result each, along a new first axis.
 */
export function quantile(
  x: Tensor,
  q: number | readonly number[],
  axes?: Axes,
  options: ReduceOptions = {},
): Tensor {
  checkQuantile(x, q, axes, options);
  return quantileOf('quantile', x, q, axes, options);
}

function quantileOf(
  op: string,
  x: Tensor,
  q: number | readonly number[],
  axes: Axes | undefined,
  options: ReduceOptions,
): Tensor {
  const list = normalizeAxes(op, axes, x.rank);
  requireFloat(op, x);
  const count = countOf(x, list);
  if (count === 0) {
    throw new LockstepError(
      'shape',
      `${op}: axes ${formatShape(list)} of ${formatShape(x.shape)} are empty, and an empty array has no ${op}; guard against empty arrays`,
      { op, shape: x.shape, axes: list },
    );
  }
  const ordered = sort(inOneAxis(x, list));
  const one = (part: number): Tensor => restoreAxes(between(ordered, part * (count - 1)), x, list, options);
  const parts = typeof q === 'number' ? [q] : q;
  for (const part of parts) requirePart(part);
  return typeof q === 'number' ? one(q) : stack(parts.map(one));
}

function requirePart(q: number): void {
  if (q >= 0 && q <= 1) return;
  throw new LockstepError(
    'argument',
    `quantile: q is ${q}; give the fraction of elements that lie below, from 0 to 1`,
    {
      op: 'quantile',
      q,
    },
  );
}

/**
 * The value at a fractional place along the last axis of sorted elements. If the last element is NaN, the result is
 * NaN.
 */
function between(ordered: Tensor, place: number): Tensor {
  const below = at(ordered, '...', Math.floor(place));
  const above = at(ordered, '...', Math.ceil(place));
  const last = stopGradient(at(ordered, '...', -1));
  const value = add(below, mul(sub(above, below), place - Math.floor(place)));
  return where(isNotANumber(last), last, value);
}

/** x with `axes` flattened into one last axis. */
function inOneAxis(x: Tensor, axes: readonly number[]): Tensor {
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const moved = transpose(x, [...kept, ...axes]);
  return reshape(moved, [...kept.map((axis) => x.shape[axis]!), countOf(x, axes)]);
}

const checkMedian = signature('median', { x: aTensor, 'axes?': someAxes }, reduceRules);

/**
 * The middle of the sorted elements over `axes` (all by default); the mean of the two middle elements if their number
 * is even.
 */
export function median(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  checkMedian(x, axes, options);
  return quantileOf('median', x, 0.5, axes, options);
}
