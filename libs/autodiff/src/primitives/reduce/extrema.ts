/** max, min and argmax over axes; products, means and log-sum-exp by composition. */

import { LockstepError, signature } from '@lockstep/errors';
import { formatShape, isFloat, normalizeAxes, normalizeAxis } from '@lockstep/tensor';
import { full, onesLike } from '../../convert.ts';
import { type Aval, bind, type Primitive, type Tensor } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor, someAxes } from '../../kinds.ts';
import {
  abs,
  add,
  cast,
  div,
  equal,
  exp,
  less,
  log,
  mul,
  neg,
  requireArithmetic,
  requireFloat,
  stopGradient,
  sub,
  where,
} from '../elementwise/fusible.ts';
import {
  broadcastInAxes,
  type ReduceOptions,
  reduceGeometry,
  reduceRules,
  reduceRuns,
  reshape,
  restoreAxes,
  sum,
  without,
} from '../shape/reshape.ts';
import { concatenate, slice } from '../shape/slicing.ts';

interface RunAttrs extends Readonly<Record<string, unknown>> {
  readonly axis: number;
  readonly count: number;
}

/** max or min; where several elements tie, each gets an equal share of the gradient. */
function extremum(name: 'max' | 'min') {
  /** For each element, the part of the result's change that it carries. */
  const shares = (x: Tensor, y: Tensor, { axis, count }: RunAttrs): Tensor => {
    const chosen = cast(equal(x, spread(y, x, axis, count)), x.dtype);
    return div(chosen, spread(sumRun(chosen, axis, count), x, axis, count));
  };
  const self: Primitive<RunAttrs> = primitive({
    name: `reduce${name === 'max' ? 'Max' : 'Min'}`,
    differentiable: [0],
    shape: ([x], { axis, count }) => {
      requireSome(name, x!, axis, count);
      return { dtype: x!.dtype, shape: without(x!.shape, axis, count) };
    },
    kernel: (out, [x], { axis, count }) => {
      const attrs = reduceGeometry(x!.shape, axis, count);
      return (kernels) => kernels.reduce(name, out.data, x!.data, attrs);
    },
    jvp: (t, _argument, [x], y, attrs) => sumRun(mul(t, shares(x!, y, attrs)), attrs.axis, attrs.count),
    vjp: (ct, _argument, [x], y, attrs) => mul(spread(ct, x!, attrs.axis, attrs.count), shares(x!, y, attrs)),
    batch: ([x], _batched, { axis, count }) => batchedAs(bind(self, [x!], { axis: axis + 1, count })),
  });
  const check = signature(name, { x: aTensor, 'axes?': someAxes }, reduceRules);
  return (x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor => {
    check(x, axes, options);
    const list = normalizeAxes(name, axes, x.rank);
    return restoreAxes(
      reduceRuns(x, list, (y, axis, count) => bind(self, [y], { axis, count })),
      x,
      list,
      options,
    );
  };
}

function requireSome(op: string, { shape }: Aval, axis: number, count: number): void {
  if (!shape.slice(axis, axis + count).includes(0)) return;
  throw new LockstepError(
    'shape',
    `${op}: axis ${axis} of ${formatShape(shape)} is empty, and nothing has no extremum; guard against empty arrays`,
    { op, shape },
  );
}

const runAxes = (axis: number, count: number): number[] => Array.from({ length: count }, (_, i) => axis + i);

const sumRun = (x: Tensor, axis: number, count: number): Tensor => sum(x, runAxes(axis, count));

/** y, which lacks `count` axes from `axis` on, repeated along them to x's shape. */
function spread(y: Tensor, x: Tensor, axis: number, count: number): Tensor {
  const kept = x.shape.map((_, i) => i).filter((i) => i < axis || i >= axis + count);
  return broadcastInAxes(y, x.shape, kept);
}

/** The largest element over `axes` (all by default), NaN if there is one. */
export const max = extremum('max');
/** The smallest element over `axes` (all by default), NaN if there is one. */
export const min = extremum('min');

const argmaxPrimitive: Primitive<{ axis: number }> = primitive({
  name: 'argmax',
  differentiable: [],
  shape: ([x], { axis }) => {
    requireSome('argmax', x!, axis, 1);
    return { dtype: 'int32', shape: without(x!.shape, axis, 1) };
  },
  kernel: (out, [x], { axis }) => {
    const attrs = reduceGeometry(x!.shape, axis, 1);
    return (kernels) => kernels.argmax(out.data as Int32Array, x!.data, attrs);
  },
  batch: ([x], _batched, { axis }) => batchedAs(bind(argmaxPrimitive, [x!], { axis: axis + 1 })),
});

const checkArgmax = signature('argmax', { x: aTensor, 'axis?': anAxis }, reduceRules);

/** Index of the first largest element along `axis`; without an axis among all elements in row-major order. int32 */
export function argmax(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor {
  checkArgmax(x, axis, options);
  return place('argmax', x, axis, options, (y) => y);
}

const checkArgmin = signature('argmin', { x: aTensor, 'axis?': anAxis }, reduceRules);

/** Index of the first smallest element along `axis`; without an axis among all elements in row-major order. int32 */
export function argmin(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor {
  checkArgmin(x, axis, options);
  // Doubles hold the negative of every integer.
  return place('argmin', x, axis, options, (y) => neg(isFloat(y.dtype) ? y : cast(y, 'float64')));
}

/** Where `rank`ed elements are largest. */
function place(
  op: string,
  x: Tensor,
  axis: number | undefined,
  options: ReduceOptions,
  ranked: (x: Tensor) => Tensor,
): Tensor {
  const list = normalizeAxes(op, axis, x.rank);
  const [rows, along] = axis === undefined ? [reshape(x, [x.size]), 0] : [x, list[0]!];
  requireSome(op, rows, along, 1);
  return restoreAxes(bind(argmaxPrimitive, [ranked(rows)], { axis: along }), x, list, options);
}

const checkProd = signature('prod', { x: aTensor, 'axes?': someAxes }, reduceRules);

/**
 * The product over `axes` (all by default), of nothing 1. Halves are multiplied until one element is left, so that the
 * gradient, without any division, is right at zeros too.
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
  // Divided once: the product with a rounded 1 / count would be rounded twice.
  return div(sum(x, list, options), count);
}

const checkLogSumExp = signature('logSumExp', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** log Σ exp(x) over `axes` (all by default), shifted by the maximum so that nothing overflows; of −∞ alone it is −∞. */
export function logSumExp(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkLogSumExp(x, axes, options);
  const list = normalizeAxes('logSumExp', axes, x.rank);
  requireFloat('logSumExp', x);
  for (const axis of list) requireSome('logSumExp', x, axis, 1);
  const largest = stopGradient(max(x, list, { keepDims: true }));
  const shift = where(less(abs(largest), Number.POSITIVE_INFINITY), largest, 0);
  const total = sum(exp(sub(x, shift)), list, options);
  // Of −∞ alone nothing moves the result: the slope of ln 0 would make it NaN.
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

/** x less its largest element along the axis, which counts as a constant: both functions are the same for any shift. */
function belowLargest(op: string, x: Tensor, axis: number): Tensor {
  const along = normalizeAxis(op, axis, x.rank);
  requireFloat(op, x);
  requireSome(op, x, along, 1);
  return sub(x, stopGradient(max(x, along, { keepDims: true })));
}
