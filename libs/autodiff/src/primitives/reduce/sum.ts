/** `sum` and its transpose, `broadcast`. Broadcasting is an op of its own that the wrappers of other ops insert, so no rule of another primitive has to undo it. */

import { aBoolean, LockstepError, type Rules, signature } from '@lockstep/errors';
import {
  broadcastShapes,
  formatShape,
  normalizeAxes,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from '@lockstep/tensor';
import { requireLengths } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { aShape, aTensor, someAxes } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { reshape, shifted } from '../shape/reshape.ts';

const broadcastPrimitive: Primitive<{ shape: Shape; axes: readonly number[] }> = primitive({
  name: 'broadcast',
  staged: true,
  differentiable: [0],
  shape: ([x], { shape }) => ({ dtype: x!.dtype, shape }),
  kernel: (out, [x], { shape, axes }) => {
    const own = stridesOf(x!.shape);
    const strides = shape.map((_, axis) => (axes.includes(axis) ? own[axes.indexOf(axis)]! : 0));
    const attrs = { shape, strides, offset: 0 };
    return (kernels) => kernels.readStrided(out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, _inputs, _out, { shape, axes }) =>
    sum(
      ct,
      shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis)),
    ),
  batch: ([x], _batched, { shape, axes }, { size }) =>
    batchedAs(bind(broadcastPrimitive, [x!], { shape: [size, ...shape], axes: shifted(axes) })),
});

/** x's axis `i` becomes axis `axes[i]` of `shape`; x is repeated along the others. */
export function broadcastInAxes(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return axes.length === shape.length ? x : bind(broadcastPrimitive, [x], { shape, axes });
}

const checkBroadcastTo = signature('broadcastTo', { x: aTensor, shape: aShape });

/** x repeated to `shape` by NumPy's rule: the last axes are aligned, and lengths of 1 are stretched. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkBroadcastTo(x, shape);
  if (sameShape(x.shape, shape)) return x;
  requireLengths('broadcastTo', shape);
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape)) {
    throw new LockstepError(
      'shape',
      `broadcastTo: ${formatShape(x.shape)} does not stretch to ${formatShape(shape)}; only axes of length 1 do`,
      { op: 'broadcastTo', from: x.shape, to: shape },
    );
  }
  const lead = shape.length - x.rank;
  const kept = x.shape.flatMap((length, axis) => (length === shape[lead + axis] ? [axis] : []));
  const squeezed = reshape(
    x,
    kept.map((axis) => x.shape[axis]!),
  );
  return broadcastInAxes(
    squeezed,
    shape,
    kept.map((axis) => lead + axis),
  );
}

/** Adds a new first axis of length `size`, along which x repeats: [..] → [size, ..] */
export function repeatInFront(x: Tensor, size: number): Tensor {
  return broadcastInAxes(
    x,
    [size, ...x.shape],
    x.shape.map((_, axis) => axis + 1),
  );
}

/** The axes must be neighbours. The kernels' specification defines the order of the sum. */
const sumPrimitive: Primitive<{ axis: number; count: number }> = primitive({
  name: 'sum',
  differentiable: [0],
  shape: ([x], { axis, count }) => ({ dtype: x!.dtype, shape: without(x!.shape, axis, count) }),
  kernel: (out, [x], { axis, count }) => {
    const attrs = reduceGeometry(x!.shape, axis, count);
    return (kernels) => kernels.reduce('sum', out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, [x], _out, { axis, count }) =>
    broadcastInAxes(
      ct,
      x!.shape,
      x!.shape.map((_, i) => i).filter((i) => i < axis || i >= axis + count),
    ),
  batch: ([x], _batched, { axis, count }) => batchedAs(bind(sumPrimitive, [x!], { axis: axis + 1, count })),
});

/** `shape` without `count` axes from `axis` on. */
export function without(shape: Shape, axis: number, count: number): number[] {
  return [...shape.slice(0, axis), ...shape.slice(axis + count)];
}

/** The geometry [outer, size, inner] in which `count` neighbouring axes from `axis` on are the middle. */
export function reduceGeometry(
  shape: Shape,
  axis: number,
  count: number,
): { outer: number; size: number; inner: number } {
  return {
    outer: sizeOf(shape.slice(0, axis)),
    size: sizeOf(shape.slice(axis, axis + count)),
    inner: sizeOf(shape.slice(axis + count)),
  };
}

/**
 * Reduces over `axes` run by run. A run is a group of neighbouring axes; the last run comes first. `reduceRun` reduces
 * `count` axes from `axis` on.
 */
export function reduceRuns(
  x: Tensor,
  axes: readonly number[],
  reduceRun: (x: Tensor, axis: number, count: number) => Tensor,
): Tensor {
  let result = x;
  let end = axes.length;
  while (end > 0) {
    let start = end - 1;
    while (start > 0 && axes[start - 1] === axes[start]! - 1) start--;
    result = reduceRun(result, axes[start]!, end - start);
    end = start;
  }
  return result;
}

export interface ReduceOptions {
  /** Keep the reduced axes with length 1. Default false. */
  readonly keepDims?: boolean;
}

export const reduceRules: Rules<ReduceOptions> = { keepDims: aBoolean };

/** Restores the reduced axes with length 1. */
export function restoreAxes(
  reduced: Tensor,
  x: Tensor,
  axes: readonly number[],
  options: ReduceOptions,
): Tensor {
  if (!options.keepDims) return reduced;
  return reshape(
    reduced,
    x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length)),
  );
}

const checkSum = signature('sum', { x: aTensor, 'axes?': someAxes }, reduceRules);

/** The sum over `axes` (all by default). */
export function sum(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkSum(x, axes, options);
  const list = normalizeAxes('sum', axes, x.rank);
  if (x.dtype === 'bool') {
    throw new LockstepError(
      'dtype',
      "sum: bool has no arithmetic; count true values with countNonZero(), or convert with .cast('float32')",
      { op: 'sum', dtype: x.dtype },
    );
  }
  const reduced = reduceRuns(x, list, (y, axis, count) => bind(sumPrimitive, [y], { axis, count }));
  return restoreAxes(reduced, x, list, options);
}
