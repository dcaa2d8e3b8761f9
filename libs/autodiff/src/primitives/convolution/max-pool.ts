/**
 * The primitives of max pooling, in NHWC layout: the selection is linear, and its transpose scatters. A tie picks the
 * first element. The public ops are in `pool.ts`.
 */
import type { PoolAttrs } from '@lockstep/kernels';
import type { Shape } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import type { Attrs, BatchAxis, Batched, Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { repeatInFront } from '../reduce/sum.ts';
import { reshape } from '../shape/reshape.ts';
import { outputLength } from './windows.ts';

interface PoolWindow extends Attrs {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
}

function pooledShape(x: Shape, { window, strides }: PoolWindow): number[] {
  const length = (axis: 0 | 1): number => outputLength(x[axis + 1]!, window[axis], strides[axis], [0, 0]);
  return [x[0]!, length(0), length(1), x[3]!];
}

function geometry(x: Shape, y: Shape, { window, strides }: PoolWindow): PoolAttrs {
  return {
    batch: x[0]!,
    height: x[1]!,
    width: x[2]!,
    channels: x[3]!,
    outHeight: y[1]!,
    outWidth: y[2]!,
    windowHeight: window[0],
    windowWidth: window[1],
    strideY: strides[0],
    strideX: strides[1],
  };
}

/** Images are independent, so a batch axis joins the images' axis. */
function batchImages(self: () => Primitive<PoolWindow>) {
  return (
    inputs: readonly Tensor[],
    batched: readonly boolean[],
    attrs: PoolWindow,
    { size }: BatchAxis,
  ): Batched => {
    const folded = inputs.map((x, i) => {
      const full = batched[i] ? x : repeatInFront(x, size);
      return reshape(full, [full.shape[0]! * full.shape[1]!, ...full.shape.slice(2)]);
    });
    const y = bind(self(), folded, attrs);
    return batchedAs(reshape(y, [size, y.shape[0]! / size, ...y.shape.slice(1)]));
  };
}

export const maxPoolPrimitive: Primitive<PoolWindow> = primitive({
  name: 'maxPool',
  differentiable: [0],
  shape: ([x], attrs) => ({ dtype: x!.dtype, shape: pooledShape(x!.shape, attrs) }),
  kernel: (out, [x], attrs) => {
    const shapes = geometry(x!.shape, out.shape, attrs);
    return (kernels) => kernels.maxPool(out.data, x!.data, shapes);
  },
  jvp: (t, _argument, [x], _out, attrs) => bind(maxPoolSelectPrimitive, [x!, t], attrs),
  vjp: (ct, _argument, [x], _out, attrs) => bind(maxPoolScatterPrimitive, [x!, ct], attrs),
  batch: batchImages(() => maxPoolPrimitive),
});

/** (x, t) → the element of t at the place of x's maximum, window by window. */
const maxPoolSelectPrimitive: Primitive<PoolWindow> = primitive({
  name: 'maxPoolSelect',
  differentiable: [1],
  shape: ([x], attrs) => ({ dtype: x!.dtype, shape: pooledShape(x!.shape, attrs) }),
  kernel: (out, [x, t], attrs) => {
    const shapes = geometry(x!.shape, out.shape, attrs);
    return (kernels) => kernels.maxPoolSelect(out.data, x!.data, t!.data, shapes);
  },
  linear: true,
  vjp: (ct, _argument, [x], _out, attrs) => bind(maxPoolScatterPrimitive, [x!, ct], attrs),
  batch: batchImages(() => maxPoolSelectPrimitive),
});

/** (x, g) → g added at the places of x's maxima. */
const maxPoolScatterPrimitive: Primitive<PoolWindow> = primitive({
  name: 'maxPoolScatter',
  differentiable: [1],
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  kernel: (out, [x, g], attrs) => {
    const shapes = geometry(x!.shape, g!.shape, attrs);
    return (kernels) => kernels.maxPoolScatter(out.data, x!.data, g!.data, shapes);
  },
  linear: true,
  vjp: (ct, _argument, [x], _out, attrs) => bind(maxPoolSelectPrimitive, [x!, ct], attrs),
  batch: batchImages(() => maxPoolScatterPrimitive),
});
