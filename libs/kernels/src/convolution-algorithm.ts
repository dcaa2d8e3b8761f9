import { LockstepError } from '@lockstep/errors';
import type { DType } from '@lockstep/tensor';
import type { Conv2dAttrs, ConvolutionAlgorithm } from './kernels.ts';

/** With fewer channels the transforms take longer than the products that they save: docs/decisions/0017-winograd.md. */
const LEAST_CHANNELS = 24;

/** With fewer tiles in an image the transforms of a kernel gradient's sums take longer than the products that they save. */
const LEAST_TILES = 16;

type ConvolutionShape = Omit<Conv2dAttrs, 'algorithm' | 'batch'>;

/**
 * The algorithm of a convolution and of its gradient by the input. It does not depend on the number of images, so that a
 * part of a batch has the bits that it has in the whole batch. float64 serves as a check and is always direct.
 */
export function convolutionAlgorithm(dtype: DType, shape: ConvolutionShape): ConvolutionAlgorithm {
  const { inChannels, outChannels, height, width, outHeight, outWidth } = shape;
  const isDeep = Math.min(inChannels, outChannels) >= LEAST_CHANNELS;
  // A tile with one half outside the image saves nothing.
  const isWide = Math.min(height, width, outHeight, outWidth) >= 2;
  return dtype === 'float32' && hasTiles(shape) && isDeep && isWide ? 'winograd' : 'direct';
}

/** The algorithm of the gradient by the kernel. */
export function kernelGradAlgorithm(dtype: DType, shape: ConvolutionShape): ConvolutionAlgorithm {
  const tiles = Math.ceil(shape.outHeight / 2) * Math.ceil(shape.outWidth / 2);
  return tiles >= LEAST_TILES ? convolutionAlgorithm(dtype, shape) : 'direct';
}

function hasTiles({ kernelHeight, kernelWidth, strideY, strideX }: ConvolutionShape): boolean {
  return kernelHeight === 3 && kernelWidth === 3 && strideY === 1 && strideX === 1;
}

/**
 * Whether the attributes ask for Winograd's algorithm.
 * @throws LockstepError `argument` if they do and it cannot compute this shape.
 */
export function isWinograd(op: string, attrs: Conv2dAttrs): boolean {
  if (attrs.algorithm === 'direct') return false;
  if (hasTiles(attrs)) return true;
  const { kernelHeight, kernelWidth, strideY, strideX } = attrs;
  throw new LockstepError(
    'argument',
    `${op}: Winograd's algorithm computes kernels of 3×3 with stride 1, got ${kernelHeight}×${kernelWidth} with strides ${strideY}, ${strideX}; use algorithm 'direct'`,
    { op, kernelHeight, kernelWidth, strideY, strideX },
  );
}
