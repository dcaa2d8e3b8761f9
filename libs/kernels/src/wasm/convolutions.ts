import { isWinograd } from '../convolution-algorithm.ts';
import type { Conv2dAttrs, Kernels } from '../kernels.ts';
import { requireWholeSegments } from '../reference/convolution.ts';
import type { Context } from './context.ts';

/** The largest kernelWidth · channels for which the workspace of direct convolutions has room. */
const MAX_ROW_DEPTH = 8192;

/** The attributes in the order of `Conv` in `assembly/patches.ts`. */
function convWords(c: Conv2dAttrs): number[] {
  return [
    c.batch,
    c.height,
    c.width,
    c.inChannels,
    c.outHeight,
    c.outWidth,
    c.outChannels,
    c.kernelHeight,
    c.kernelWidth,
    c.strideY,
    c.strideX,
    c.padTop,
    c.padLeft,
  ];
}

export function convolutions({ wasm, reference, work, attrs, words, floats }: Context) {
  return {
    conv2d(out, x, kernel, shape) {
      const tiled = isWinograd('conv2d', shape);
      const fits = tiled || shape.kernelWidth * shape.inChannels <= MAX_ROW_DEPTH;
      if (!fits || !floats(out, x, kernel)) return reference.conv2d(out, x, kernel, shape);
      words.set(convWords(shape));
      const run = tiled ? wasm.winogradConv2d : wasm.conv2d;
      run(out.byteOffset, x.byteOffset, kernel.byteOffset, attrs, work);
    },
    conv2dInputGrad(out, dy, kernel, shape) {
      const tiled = isWinograd('conv2dInputGrad', shape);
      const fits = tiled || shape.kernelWidth * shape.outChannels <= MAX_ROW_DEPTH;
      if (!fits || !floats(out, dy, kernel)) return reference.conv2dInputGrad(out, dy, kernel, shape);
      words.set(convWords(shape));
      const run = tiled ? wasm.winogradInputGrad : wasm.conv2dInputGrad;
      run(out.byteOffset, dy.byteOffset, kernel.byteOffset, attrs, work);
    },
    conv2dKernelGrad(out, x, dy, shape) {
      const tiled = isWinograd('conv2dKernelGrad', shape);
      if (!floats(out, x, dy)) return reference.conv2dKernelGrad(out, x, dy, shape);
      requireWholeSegments(shape);
      const stack = Number(shape.combine === 'stack');
      words.set(convWords(shape));
      const run = tiled ? wasm.winogradKernelGrad : wasm.conv2dKernelGrad;
      run(out.byteOffset, x.byteOffset, dy.byteOffset, attrs, shape.segments, stack, work);
    },
  } satisfies Partial<Kernels>;
}
