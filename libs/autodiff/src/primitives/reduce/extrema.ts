/** max, min, argmax and argmin over axes. */

import { LockstepError, signature } from '@lockstep/errors';
import { formatShape, isFloat, normalizeAxes } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor, someAxes } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Aval, Tensor } from '../../tensor.ts';
import { cast } from '../elementwise/cast.ts';
import { div, equal, mul, neg } from '../elementwise/fusible.ts';
import { reshape } from '../shape/reshape.ts';
import {
  broadcastInAxes,
  type ReduceOptions,
  reduceGeometry,
  reduceRules,
  reduceRuns,
  restoreAxes,
  sum,
  without,
} from './sum.ts';

interface RunAttrs extends Readonly<Record<string, unknown>> {
  readonly axis: number;
  readonly count: number;
}

/** max or min; where several elements tie, each gets an equal share of the gradient. */
function extremum(name: 'max' | 'min') {
  /** The part of the result's change that each element carries. */
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

export function requireSome(op: string, { shape }: Aval, axis: number, count: number): void {
  if (!shape.slice(axis, axis + count).includes(0)) return;
  throw new LockstepError(
    'shape',
    `${op}: axis ${axis} of ${formatShape(shape)} is empty, and an empty array has no extremum; guard against empty arrays`,
    { op, shape },
  );
}

const runAxes = (axis: number, count: number): number[] => Array.from({ length: count }, (_, i) => axis + i);

const sumRun = (x: Tensor, axis: number, count: number): Tensor => sum(x, runAxes(axis, count));

/** y, which lacks `count` axes from `axis` on, repeated along these axes to x's shape. */
function spread(y: Tensor, x: Tensor, axis: number, count: number): Tensor {
  const kept = x.shape.map((_, i) => i).filter((i) => i < axis || i >= axis + count);
  return broadcastInAxes(y, x.shape, kept);
}

/** The largest element over `axes` (all by default), or NaN if any element is NaN. */
export const max = extremum('max');

/** The smallest element over `axes` (all by default), or NaN if any element is NaN. */
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

/** Index of the first largest element along `axis`; without an axis, among all elements in row-major order. int32 */
export function argmax(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor {
  checkArgmax(x, axis, options);
  return place('argmax', x, axis, options, (y) => y);
}

const checkArgmin = signature('argmin', { x: aTensor, 'axis?': anAxis }, reduceRules);

/** Index of the first smallest element along `axis`; without an axis, among all elements in row-major order. int32 */
export function argmin(x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor {
  checkArgmin(x, axis, options);
  // Doubles hold the negative of every integer.
  return place('argmin', x, axis, options, (y) => neg(isFloat(y.dtype) ? y : cast(y, 'float64')));
}

/** The index of the largest of the `ranked` elements. */
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
