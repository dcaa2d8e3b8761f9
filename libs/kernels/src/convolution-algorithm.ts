import { LockstepError } from '@lockstep/errors';
import type { DType } from '@lockstep/tensor';
import type { Conv2dAttrs, ConvolutionAlgorithm } from './kernels.ts';

/** Below, the transforms take longer than the products they save; measured in docs/decisions/0017-winograd.md. */
const LEAST_CHANNELS = 24;

/** Tiles of an image, below which the transforms of a kernel gradient's sums do. */
const LEAST_TILES = 16;

type ConvolutionShape = Omit<Conv2dAttrs, 'algorithm' | 'batch'>;

/**
 * The algorithm of a convolution and of its gradient by the input: a matter of its shape, and not of the number of images,
 * so that a part of a batch gives the bits that it has in the whole. float64 is there to check by, and stays direct.
 */
export function convolutionAlgorithm(dtype: DType, shape: ConvolutionShape): ConvolutionAlgorithm {
  const { inChannels, outChannels, height, width, outHeight, outWidth } = shape;
  const isDeep = Math.min(inChannels, outChannels) >= LEAST_CHANNELS;
  // A tile of which half lies outside saves nothing.
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
 * Whether to go by tiles.
 * @throws LockstepError `argument` if the attributes ask for that where it cannot be.
 */
export function isWinograd(op: string, attrs: Conv2dAttrs): boolean {
  if (attrs.algorithm === 'direct') return false;
  if (hasTiles(attrs)) return true;
  const { kernelHeight, kernelWidth, strideY, strideX } = attrs;
  throw new LockstepError(
    'argument',
    `${op}: Winograd's algorithm takes kernels of 3×3 and stride 1, not ${kernelHeight}×${kernelWidth} and strides ${strideY}, ${strideX}; ask for 'direct'`,
    { op, kernelHeight, kernelWidth, strideY, strideX },
  );
}
