/** Shape without arithmetic: reshape, copy, transpose. */

import { aNumber, LockstepError, listOf, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis, type Shape, sameShape, sizeOf, stridesOf } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs, copyKernel, primitive } from '../../define.ts';
import { aShape, aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';

export const shifted = (axes: readonly number[]): number[] => [0, ...axes.map((axis) => axis + 1)];

const reshapePrimitive: Primitive<{ shape: Shape }> = primitive({
  name: 'reshape',
  alias: true,
  differentiable: [0],
  shape: ([x], { shape }) => {
    if (sizeOf(x!.shape) !== sizeOf(shape)) {
      throw new LockstepError(
        'shape',
        `reshape: ${formatShape(x!.shape)} has ${sizeOf(x!.shape)} elements, ${formatShape(shape)} has ${sizeOf(shape)}; the numbers must be equal`,
        { op: 'reshape', from: x!.shape, to: shape },
      );
    }
    return { dtype: x!.dtype, shape };
  },
  kernel: copyKernel,
  linear: true,
  vjp: (ct, _argument, [x]) => reshape(ct, x!.shape),
  batch: ([x], _batched, { shape }, { size }) => batchedAs(reshape(x!, [size, ...shape])),
});

const checkReshape = signature('reshape', { x: aTensor, shape: aShape });

/** The same elements in another shape. One length may be −1 and is then computed. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkReshape(x, shape);
  const unknown = shape.indexOf(-1);
  const known = sizeOf(shape.filter((length) => length !== -1));
  const target = shape.map((length, axis) => (axis === unknown ? x.size / (known || 1) : length));
  if (target.some((length) => !Number.isInteger(length) || length < 0)) {
    throw new LockstepError(
      'shape',
      `reshape: ${formatShape(x.shape)} does not fit ${formatShape(shape)}; lengths must be whole numbers whose product is ${x.size}`,
      { op: 'reshape', from: x.shape, to: shape },
    );
  }
  return sameShape(target, x.shape) ? x : bind(reshapePrimitive, [x], { shape: target });
}

/** The same elements in memory of their own. A plan puts it where a value must not share memory. */
primitive({
  name: 'copy',
  differentiable: [0],
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  kernel: copyKernel,
  jvp: (t) => t,
  vjp: (ct) => ct,
  batch: ([x]) => batchedAs(x!),
});

const transposePrimitive: Primitive<{ axes: readonly number[] }> = primitive({
  name: 'transpose',
  differentiable: [0],
  shape: ([x], { axes }) => ({ dtype: x!.dtype, shape: axes.map((axis) => x!.shape[axis]!) }),
  kernel: (out, [x], { axes }) => {
    const strides = stridesOf(x!.shape);
    const attrs = { shape: out.shape, strides: axes.map((axis) => strides[axis]!), offset: 0 };
    return (kernels) => kernels.readStrided(out.data, x!.data, attrs);
  },
  linear: true,
  vjp: (ct, _argument, _inputs, _out, { axes }) => {
    const inverse = new Array<number>(axes.length);
    for (const [to, from] of axes.entries()) inverse[from] = to;
    return transpose(ct, inverse);
  },
  batch: ([x], _batched, { axes }) => batchedAs(transpose(x!, shifted(axes))),
});

const checkTranspose = signature('transpose', {
  x: aTensor,
  'axes?': listOf(aNumber, 'a list of axes, each named once'),
});

/** Output axis `i` is input axis `axes[i]`; without axes their order is reversed. */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  checkTranspose(x, axes);
  const order =
    axes === undefined
      ? x.shape.map((_, i) => x.rank - 1 - i)
      : axes.map((a) => normalizeAxis('transpose', a, x.rank));
  if (new Set(order).size !== x.rank || order.length !== x.rank) {
    throw new LockstepError(
      'shape',
      `transpose: ${formatShape(order)} is not an order of the ${x.rank} axes of ${formatShape(x.shape)}; name each axis once`,
      { op: 'transpose', axes: order, shape: x.shape },
    );
  }
  return order.every((axis, i) => axis === i) ? x : bind(transposePrimitive, [x], { axes: order });
}
