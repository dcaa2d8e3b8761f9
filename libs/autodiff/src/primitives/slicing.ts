/** Parts of an array and their transposes: slice and pad, concatenate, flip. */
import { LockstepError } from '@lockstep/errors';
import { formatShape, normalizeAxis, stridesOf } from '@lockstep/tensor';
import { asTensors, type TensorLike } from '../convert.ts';
import { bind, type Primitive, type Tensor } from '../core.ts';
import { batchedAs, primitive } from '../define.ts';
import { repeatInFront, reshape } from './structural.ts';

interface SliceAttrs extends Readonly<Record<string, unknown>> {
  readonly start: readonly number[];
  /** Elements taken along each axis. */
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

/** The transpose of slice: x at the slice's places of a zero array of `shape`. */
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

/**
 * Elements `start` up to but not including `end` along each axis, as in `x.slice([0, 1], [2, 3])`. Missing axes are
 * taken whole; negative positions count from the end.
 */
export function slice(
  x: Tensor,
  start: readonly number[],
  end: readonly number[] = [],
  step: readonly number[] = [],
): Tensor {
  if (Math.max(start.length, end.length, step.length) > x.rank) {
    throw new LockstepError(
      'shape',
      `slice: more positions than the ${x.rank} axes of ${formatShape(x.shape)}; give at most one an axis`,
      { op: 'slice', shape: x.shape, start, end },
    );
  }
  const attrs = { start: [] as number[], length: [] as number[], step: [] as number[] };
  for (const [axis, size] of x.shape.entries()) {
    const by = step[axis] ?? 1;
    const from = position(start[axis] ?? 0, size);
    const to = position(end[axis] ?? size, size);
    const whole = [from, to, by].every(Number.isInteger);
    if (!whole || by < 1 || from < 0 || from > size || to < 0 || to > size) {
      throw new LockstepError(
        'shape',
        `slice: ${from}:${to}:${by} is outside axis ${axis} of ${formatShape(x.shape)}; positions are whole and lie in 0 … ${size}, steps are whole and ≥ 1`,
        { op: 'slice', shape: x.shape, axis, from, to, step: by },
      );
    }
    attrs.start.push(from);
    attrs.length.push(Math.max(0, Math.ceil((to - from) / by)));
    attrs.step.push(by);
  }
  return bind(slicePrimitive, [x], attrs);
}

const position = (at: number, size: number): number => (at < 0 ? at + size : at);

/** The element or subarray at `index` of the first axes: `x.at(0)`, `x.at(1, 2)`. */
export function at(x: Tensor, ...index: readonly number[]): Tensor {
  const whole = index.map((i, axis) => position(i, x.shape[axis] ?? 0));
  for (const [axis, i] of whole.entries()) {
    if (!Number.isInteger(i) || i < 0 || i >= (x.shape[axis] ?? 0)) {
      throw new LockstepError(
        'shape',
        `at: index ${index[axis]} does not exist along axis ${axis} of ${formatShape(x.shape)}`,
        { op: 'at', shape: x.shape, index },
      );
    }
  }
  return reshape(
    slice(
      x,
      whole,
      whole.map((i) => i + 1),
    ),
    x.shape.slice(whole.length),
  );
}

/** x at the places `start + i·step` of zeros of `shape`. */
export const place = (
  x: Tensor,
  start: readonly number[],
  step: readonly number[],
  shape: readonly number[],
): Tensor => bind(placePrimitive, [x], { start, step, shape });

/** x with `[before, after]` zeros along each axis. */
export function pad(x: Tensor, widths: readonly (readonly [number, number])[]): Tensor {
  if (widths.length !== x.rank || widths.some(([before, after]) => before < 0 || after < 0)) {
    throw new LockstepError(
      'shape',
      `pad: needs one [before, after] ≥ 0 for each of the ${x.rank} axes of ${formatShape(x.shape)}`,
      { op: 'pad', shape: x.shape, widths },
    );
  }
  if (widths.every(([before, after]) => before === 0 && after === 0)) return x;
  return place(
    x,
    widths.map(([before]) => before),
    widths.map(() => 1),
    x.shape.map((length, axis) => length + widths[axis]![0] + widths[axis]![1]),
  );
}

const concatenatePrimitive: Primitive<{ axis: number }> = primitive({
  name: 'concatenate',
  differentiable: 'all',
  shape: (inputs, { axis }) => {
    const [first] = inputs;
    const total = inputs.reduce((length, x) => length + (x.shape[axis] ?? 0), 0);
    for (const x of inputs) {
      if (
        x.shape.length !== first!.shape.length ||
        x.shape.some((length, i) => i !== axis && length !== first!.shape[i])
      ) {
        throw new LockstepError(
          'shape',
          `concatenate: ${inputs.map((y) => formatShape(y.shape)).join(', ')} differ in an axis other than ${axis}; only that one may differ`,
          { op: 'concatenate', shapes: inputs.map((y) => y.shape), axis },
        );
      }
    }
    return { dtype: first!.dtype, shape: first!.shape.map((length, i) => (i === axis ? total : length)) };
  },
  kernel: (out, inputs, { axis }) => {
    const strides = stridesOf(out.shape);
    let at = 0;
    const parts = inputs.map((x) => {
      const attrs = { shape: x.shape, strides, offset: at * strides[axis]! };
      at += x.shape[axis]!;
      return { data: x.data, attrs };
    });
    return (kernels) => {
      for (const { data, attrs } of parts) kernels.writeStrided(out.data, data, attrs);
    };
  },
  jvp: (t, argument, inputs, out, { axis }) => {
    const start = offsetOf(inputs, argument, axis);
    const widths = out.shape.map((length, i): [number, number] =>
      i === axis ? [start, length - start - t.shape[axis]!] : [0, 0],
    );
    return pad(t, widths);
  },
  vjp: (ct, argument, inputs, _out, { axis }) => {
    const start = offsetOf(inputs, argument, axis);
    const length = inputs[argument]!.shape[axis]!;
    return slice(
      ct,
      ct.shape.map((_, i) => (i === axis ? start : 0)),
      ct.shape.map((size, i) => (i === axis ? start + length : size)),
    );
  },
  batch: (inputs, batched, { axis }, { size }) =>
    batchedAs(
      concatenate(
        inputs.map((x, i) => (batched[i] ? x : repeatInFront(x, size))),
        axis + 1,
      ),
    ),
});

const offsetOf = (inputs: readonly Tensor[], argument: number, axis: number): number =>
  inputs.slice(0, argument).reduce((offset, x) => offset + x.shape[axis]!, 0);

/** Joins arrays along an axis that exists. */
export function concatenate(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0)
    throw new LockstepError('argument', 'concatenate: needs at least one array', { op: 'concatenate' });
  if (xs.length === 1) return xs[0]!;
  return bind(concatenatePrimitive, asTensors('concatenate', ...xs), {
    axis: normalizeAxis('concatenate', axis, xs[0]!.rank),
  });
}

/** Joins arrays of equal shapes along a new axis. */
export function stack(xs: readonly TensorLike[], axis = 0): Tensor {
  const tensors = asTensors('stack', ...xs);
  const at = normalizeAxis('stack', axis, (tensors[0]?.rank ?? 0) + 1);
  return concatenate(
    tensors.map((x) => reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)])),
    at,
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

/** Reverses the order along the axes. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  return bind(flipPrimitive, [x], { axes: axes.map((axis) => normalizeAxis('flip', axis, x.rank)) });
}
