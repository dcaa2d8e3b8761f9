/** Parts of an array and their transposes: slice and place, flip. */

import { aNumber, LockstepError, listOf, orNull, signature } from '@lockstep/errors';
import { formatShape, normalizeAxes, stridesOf } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { aTensor, someAxes } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';

interface SliceAttrs extends Readonly<Record<string, unknown>> {
  readonly start: readonly number[];
  /** The number of elements along each axis. */
  readonly length: readonly number[];
  readonly step: readonly number[];
}

const slicePrimitive: Primitive<SliceAttrs> = primitive({
  name: 'slice',
  differentiable: [0],
  shape: ([x], { length }) => ({ dtype: x!.dtype, shape: length }),
  kernel: (out, [x], { start, length, step }) => {
    const strides = stridesOf(x!.shape);
    const attrs = {
      shape: length,
      strides: strides.map((stride, axis) => stride * step[axis]!),
      offset: strides.reduce((offset, stride, axis) => offset + stride * start[axis]!, 0),
    };
    return (kernels) => kernels.readStrided(out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, [x], _out, { start, step }) =>
    bind(placePrimitive, [ct], { start, step, shape: x!.shape }),
  batch: ([x], _batched, { start, length, step }, { size }) =>
    batchedAs(
      bind(slicePrimitive, [x!], { start: [0, ...start], length: [size, ...length], step: [1, ...step] }),
    ),
});

interface PlaceAttrs extends Readonly<Record<string, unknown>> {
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly shape: readonly number[];
}

/** The transpose of slice: puts x at the slice's places of a zero array of `shape`. */
const placePrimitive: Primitive<PlaceAttrs> = primitive({
  name: 'place',
  differentiable: [0],
  shape: ([x], { shape }) => ({ dtype: x!.dtype, shape }),
  kernel: (out, [x], { start, step }) => {
    const strides = stridesOf(out.shape);
    const attrs = {
      shape: x!.shape,
      strides: strides.map((stride, axis) => stride * step[axis]!),
      offset: strides.reduce((offset, stride, axis) => offset + stride * start[axis]!, 0),
    };
    return (kernels) => {
      kernels.fill(out.data, 0);
      kernels.writeStrided(out.data, x!.data, attrs);
    };
  },
  linear: true,
  vjp: (ct, _argument, [x], _out, { start, step }) =>
    bind(slicePrimitive, [ct], { start, step, length: x!.shape }),
  batch: ([x], _batched, { start, step, shape }, { size }) =>
    batchedAs(
      bind(placePrimitive, [x!], { start: [0, ...start], step: [1, ...step], shape: [size, ...shape] }),
    ),
});

/** One end of a slice: a position, counted from the end if negative, or null for the end of the axis. */
export type Position = number | null;

const aPositionList = listOf(
  orNull(aNumber),
  'a list of whole numbers, and null for the end of the axis (for a computed start, use take(x, arange(n).add(i), axis))',
);

const checkSlice = signature('slice', {
  x: aTensor,
  start: aPositionList,
  'end?': aPositionList,
  'step?': listOf(aNumber, 'a list of whole numbers other than 0'),
});

/**
 * Elements from `start` up to but not including `end` along each axis, as in `x.slice([0, 1], [2, 3])`. Missing axes
 * and null are taken whole; negative positions count from the end. A negative step goes from `start` (null: the last
 * element) down to but not including `end` (null: past the first).
 */
export function slice(
  x: Tensor,
  start: readonly Position[],
  end: readonly Position[] = [],
  step: readonly number[] = [],
): Tensor {
  checkSlice(x, start, end, step);
  if (Math.max(start.length, end.length, step.length) > x.rank) {
    throw new LockstepError(
      'shape',
      `slice: more positions than the ${x.rank} axes of ${formatShape(x.shape)}; give at most one position for each axis`,
      { op: 'slice', shape: x.shape, start, end },
    );
  }
  const runs = x.shape.map((_, axis) =>
    runAlong(x, axis, start[axis] ?? null, end[axis] ?? null, step[axis] ?? 1),
  );
  const taken = bind(slicePrimitive, [x], {
    start: runs.map((run) => run.first),
    length: runs.map((run) => run.length),
    step: runs.map((run) => run.step),
  });
  const reversed = runs.flatMap((run, axis) => (run.reversed ? [axis] : []));
  return reversed.length === 0 ? taken : flip(taken, reversed);
}

/** An ascending run of an axis, to be reversed for a negative step. */
interface Run {
  readonly first: number;
  readonly length: number;
  readonly step: number;
  readonly reversed: boolean;
}

function runAlong(x: Tensor, axis: number, start: Position, end: Position, step: number): Run {
  const size = x.shape[axis]!;
  const reversed = step < 0;
  const from = start === null ? (reversed ? size - 1 : 0) : position(start, size);
  const to = end === null ? (reversed ? -1 : size) : position(end, size);
  const inside = (at: number, given: Position): boolean => given === null || (at >= 0 && at <= size);
  if (![from, to, step].every(Number.isInteger) || step === 0 || !inside(from, start) || !inside(to, end)) {
    throw new LockstepError(
      'shape',
      `slice: ${from}:${to}:${step} is outside axis ${axis} of ${formatShape(x.shape)}; positions are whole and lie in 0 … ${size}, steps are whole and not 0`,
      { op: 'slice', shape: x.shape, axis, from, to, step },
    );
  }
  const by = Math.abs(step);
  // Nothing lies behind the last element, so a descending run begins with the last one.
  const top = Math.min(from, size - 1);
  const length = Math.max(0, Math.ceil((reversed ? top - to : to - from) / by));
  return {
    first: reversed && length > 0 ? top - (length - 1) * by : Math.min(from, size),
    length,
    step: by,
    reversed,
  };
}

const position = (at: number, size: number): number => (at < 0 ? at + size : at);

/** Zeros of `shape` with x at the places `start + i·step`. */
export const place = (
  x: Tensor,
  start: readonly number[],
  step: readonly number[],
  shape: readonly number[],
): Tensor => bind(placePrimitive, [x], { start, step, shape });

/** x with `[before, after]` zeros along each axis. */
export function padZeros(x: Tensor, widths: readonly (readonly [number, number])[]): Tensor {
  if (widths.every(([before, after]) => before === 0 && after === 0)) return x;
  return place(
    x,
    widths.map(([before]) => before),
    widths.map(() => 1),
    x.shape.map((length, axis) => length + widths[axis]![0] + widths[axis]![1]),
  );
}

const flipPrimitive: Primitive<{ axes: readonly number[] }> = primitive({
  name: 'flip',
  differentiable: [0],
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  kernel: (out, [x], { axes }) => {
    const strides = stridesOf(x!.shape);
    const attrs = {
      shape: x!.shape,
      strides: strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride)),
      offset: axes.reduce((offset, axis) => offset + strides[axis]! * (x!.shape[axis]! - 1), 0),
    };
    return (kernels) => kernels.readStrided(out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, _inputs, _out, { axes }) => flip(ct, axes),
  batch: ([x], _batched, { axes }) =>
    batchedAs(
      flip(
        x!,
        axes.map((axis) => axis + 1),
      ),
    ),
});

const checkFlip = signature('flip', { x: aTensor, 'axes?': someAxes });

/** Reverses the order of the elements along the axes (all by default). */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  checkFlip(x, axes);
  return bind(flipPrimitive, [x], { axes: normalizeAxes('flip', axes, x.rank) });
}
