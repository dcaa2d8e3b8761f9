/**
 * The primitives of convolution: a two-dimensional convolution in NHWC layout, and its two gradients. The three are one
 * trilinear form ⟨conv(x, k), g⟩ seen from its three arguments, so the derivatives of each are the other two. The
 * public ops are in `convolve.ts` and `convolve-transposed.ts`.
 */
import { type Conv2dAttrs, convolutionAlgorithm, kernelGradAlgorithm } from '@lockstep/kernels';
import type { DType, Shape } from '@lockstep/tensor';
import { at } from '../../compositions/shape/at.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import type { Attrs, Batched, Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { stack } from '../shape/concatenate.ts';
import { reshape } from '../shape/reshape.ts';
import { outputLength } from './windows.ts';

export interface WindowAttrs extends Attrs {
  readonly strides: readonly [number, number];
  /**
   * Zeros [top, bottom, left, right]. Bottom and right may be negative: that many rows or columns are not read by any
   * window.
   */
  readonly padding: readonly [number, number, number, number];
}

interface InputGradAttrs extends WindowAttrs {
  readonly inputSize: readonly [number, number];
}

interface KernelGradAttrs extends WindowAttrs {
  readonly kernelSize: readonly [number, number];
  /** The images form this many equal runs, and each run has a gradient of its own: [segments, ..kernel]. */
  readonly segments?: number;
}

function outputShape(x: Shape, kernel: Shape, { strides, padding }: WindowAttrs): number[] {
  const [top, bottom, left, right] = padding;
  return [
    x[0]!,
    outputLength(x[1]!, kernel[0]!, strides[0], [top, bottom]),
    outputLength(x[2]!, kernel[1]!, strides[1], [left, right]),
    kernel[3]!,
  ];
}

function geometry(
  dtype: DType,
  x: Shape,
  kernel: Shape,
  y: Shape,
  { strides, padding }: WindowAttrs,
): Conv2dAttrs {
  const shape = {
    batch: x[0]!,
    height: x[1]!,
    width: x[2]!,
    inChannels: x[3]!,
    outHeight: y[1]!,
    outWidth: y[2]!,
    outChannels: y[3]!,
    kernelHeight: kernel[0]!,
    kernelWidth: kernel[1]!,
    strideY: strides[0],
    strideX: strides[1],
    padTop: padding[0],
    padLeft: padding[2],
  };
  return { ...shape, algorithm: convolutionAlgorithm(dtype, shape) };
}

function kernelGradGeometry(dtype: DType, x: Shape, kernel: Shape, dy: Shape, attrs: KernelGradAttrs) {
  const shape = geometry(dtype, x, kernel, dy, attrs);
  return { ...shape, algorithm: kernelGradAlgorithm(dtype, shape), segments: attrs.segments ?? 1 };
}

/** Folds a batch axis into the images' axis. This works when the other operand is not batched or is folded too. */
const fold = (x: Tensor): Tensor => reshape(x, [x.shape[0]! * x.shape[1]!, ...x.shape.slice(2)]);
const unfold = (y: Tensor, size: number): Batched =>
  batchedAs(reshape(y, [size, y.shape[0]! / size, ...y.shape.slice(1)]));

/** The rare case of one kernel for each example: convolves example by example. */
function oneByOne<A extends Attrs>(
  self: Primitive<A>,
  inputs: readonly Tensor[],
  batched: readonly boolean[],
  attrs: A,
  size: number,
): Batched {
  const results = Array.from({ length: size }, (_, i) =>
    bind(
      self,
      inputs.map((x, argument) => (batched[argument] ? at(x, i) : x)),
      attrs,
    ),
  );
  return batchedAs(stack(results));
}

export const conv2dPrimitive: Primitive<WindowAttrs> = primitive({
  name: 'conv2d',
  differentiable: [0, 1],
  shape: ([x, kernel], attrs) => ({ dtype: x!.dtype, shape: outputShape(x!.shape, kernel!.shape, attrs) }),
  kernel: (out, [x, kernel], attrs) => {
    const shapes = geometry(out.dtype, x!.shape, kernel!.shape, out.shape, attrs);
    return (kernels) => kernels.conv2d(out.data, x!.data, kernel!.data, shapes);
  },
  linear: true,
  vjp: (ct, argument, [x, kernel], _out, attrs) =>
    argument === 0 ? inputGrad(ct, kernel!, x!.shape, attrs) : kernelGrad(x!, ct, kernel!.shape, attrs),
  batch: ([x, kernel], batched, attrs, { size }) =>
    batched[1]
      ? oneByOne(conv2dPrimitive, [x!, kernel!], batched, attrs, size)
      : unfold(bind(conv2dPrimitive, [fold(x!), kernel!], attrs), size),
});

export const inputGradPrimitive: Primitive<InputGradAttrs> = primitive({
  name: 'conv2dInputGrad',
  differentiable: [0, 1],
  shape: ([dy, kernel], { inputSize }) => ({
    dtype: dy!.dtype,
    shape: [dy!.shape[0]!, ...inputSize, kernel!.shape[2]!],
  }),
  kernel: (out, [dy, kernel], attrs) => {
    const shapes = geometry(out.dtype, out.shape, kernel!.shape, dy!.shape, attrs);
    return (kernels) => kernels.conv2dInputGrad(out.data, dy!.data, kernel!.data, shapes);
  },
  linear: true,
  vjp: (ct, argument, [dy, kernel], _out, { inputSize: _, ...attrs }) =>
    argument === 0 ? bind(conv2dPrimitive, [ct, kernel!], attrs) : kernelGrad(ct, dy!, kernel!.shape, attrs),
  batch: ([dy, kernel], batched, attrs, { size }) =>
    batched[1]
      ? oneByOne(inputGradPrimitive, [dy!, kernel!], batched, attrs, size)
      : unfold(bind(inputGradPrimitive, [fold(dy!), kernel!], attrs), size),
});

export const kernelGradPrimitive: Primitive<KernelGradAttrs> = primitive({
  name: 'conv2dKernelGrad',
  differentiable: [0, 1],
  shape: ([x, dy], { kernelSize, segments }) => ({
    dtype: x!.dtype,
    shape: [...(segments === undefined ? [] : [segments]), ...kernelSize, x!.shape[3]!, dy!.shape[3]!],
  }),
  kernel: (out, [x, dy], attrs) => {
    const shapes = {
      ...kernelGradGeometry(out.dtype, x!.shape, out.shape.slice(-4), dy!.shape, attrs),
      combine: 'stack' as const,
    };
    return (kernels) => kernels.conv2dKernelGrad(out.data, x!.data, dy!.data, shapes);
  },
  linear: true,
  vjp: (ct, argument, [x, dy], _out, attrs) => {
    const { kernelSize: _, segments, ...window } = attrs;
    const one = (g: Tensor, a: Tensor, b: Tensor): Tensor =>
      argument === 0 ? inputGrad(b, g, a.shape, window) : bind(conv2dPrimitive, [a, g], window);
    if (segments === undefined) return one(ct, x!, dy!);
    const runs = (t: Tensor): Tensor => reshape(t, [segments, t.shape[0]! / segments, ...t.shape.slice(1)]);
    const parts = Array.from({ length: segments }, (_, s) =>
      one(at(ct, s), at(runs(x!), s), at(runs(dy!), s)),
    );
    return fold(stack(parts));
  },
  batch: ([x, dy], batched, attrs, { size }) => {
    if (!batched[0] || !batched[1]) return oneByOne(kernelGradPrimitive, [x!, dy!], batched, attrs, size);
    const { segments = 1, ...window } = attrs;
    const all = bind(kernelGradPrimitive, [fold(x!), fold(dy!)], { ...window, segments: size * segments });
    return attrs.segments === undefined ? batchedAs(all) : unfold(all, size);
  },
});

/** The compiler's replacement for a tree sum over segmented kernel gradients: the same bits, combined in cache. */
export const kernelGradTreePrimitive: Primitive<KernelGradAttrs> = primitive({
  name: 'conv2dKernelGradTree',
  differentiable: [],
  shape: ([x, dy], { kernelSize }) => ({
    dtype: x!.dtype,
    shape: [...kernelSize, x!.shape[3]!, dy!.shape[3]!],
  }),
  kernel: (out, [x, dy], attrs) => {
    const shapes = {
      ...kernelGradGeometry(out.dtype, x!.shape, out.shape, dy!.shape, attrs),
      combine: 'tree' as const,
    };
    return (kernels) => kernels.conv2dKernelGrad(out.data, x!.data, dy!.data, shapes);
  },
  batch: (inputs, batched, attrs, { size }) =>
    oneByOne(kernelGradTreePrimitive, inputs, batched, attrs, size),
});

const inputGrad = (dy: Tensor, kernel: Tensor, x: Shape, attrs: WindowAttrs): Tensor =>
  bind(inputGradPrimitive, [dy, kernel], { ...attrs, inputSize: [x[1]!, x[2]!] });

const kernelGrad = (x: Tensor, dy: Tensor, kernel: Shape, attrs: WindowAttrs): Tensor =>
  bind(kernelGradPrimitive, [x, dy], { ...attrs, kernelSize: [kernel[0]!, kernel[1]!] });
