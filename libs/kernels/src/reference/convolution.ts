import { LockstepError } from '@lockstep/errors';
import { dtypeOf, type TypedArray } from '@lockstep/tensor';
import type { Conv2dAttrs, Profile } from '../kernels.ts';
import { arithmeticOf } from './arithmetic.ts';
import { requirePowerOfTwo, treeCombine } from './tree.ts';

export type KernelGradAttrs = Conv2dAttrs & { readonly segments: number; readonly combine: 'stack' | 'tree' };

/** The element x`[image, y, x, channel]`, or +0 outside the image. */
export function pixels(data: TypedArray, height: number, width: number, channels: number) {
  return (image: number, y: number, x: number, channel: number): number =>
    y >= 0 && y < height && x >= 0 && x < width
      ? data[((image * height + y) * width + x) * channels + channel]!
      : 0;
}

export function conv2d(
  profile: Profile,
  out: TypedArray,
  x: TypedArray,
  kernel: TypedArray,
  attrs: Conv2dAttrs,
): void {
  const { batch, outHeight, outWidth, inChannels, outChannels, kernelHeight, kernelWidth } = attrs;
  const { mulAdd } = arithmeticOf('conv2d', dtypeOf(out), profile);
  const input = pixels(x, attrs.height, attrs.width, inChannels);
  let i = 0;
  for (let image = 0; image < batch; image++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        for (let o = 0; o < outChannels; o++) {
          let acc = 0;
          let tap = o;
          for (let ky = 0; ky < kernelHeight; ky++) {
            for (let kx = 0; kx < kernelWidth; kx++) {
              for (let c = 0; c < inChannels; c++) {
                const y = oy * attrs.strideY + ky - attrs.padTop;
                const column = ox * attrs.strideX + kx - attrs.padLeft;
                acc = mulAdd(acc, input(image, y, column, c), kernel[tap]!);
                tap += outChannels;
              }
            }
          }
          out[i++] = acc;
        }
      }
    }
  }
}

export function conv2dInputGrad(
  profile: Profile,
  out: TypedArray,
  dy: TypedArray,
  kernel: TypedArray,
  attrs: Conv2dAttrs,
): void {
  const { batch, height, width, inChannels, outChannels, kernelHeight, kernelWidth } = attrs;
  const { mulAdd } = arithmeticOf('conv2dInputGrad', dtypeOf(out), profile);
  const outputGrad = pixels(dy, attrs.outHeight, attrs.outWidth, outChannels);
  let i = 0;
  for (let image = 0; image < batch; image++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < inChannels; c++) {
          let acc = 0;
          for (let ky = 0; ky < kernelHeight; ky++) {
            for (let kx = 0; kx < kernelWidth; kx++) {
              // The output pixel that reads (y, x) through this tap, unless the tap falls between two strides.
              const oy = (y + attrs.padTop - ky) / attrs.strideY;
              const ox = (x + attrs.padLeft - kx) / attrs.strideX;
              if (!Number.isInteger(oy) || !Number.isInteger(ox)) continue;
              const tap = ((ky * kernelWidth + kx) * inChannels + c) * outChannels;
              for (let o = 0; o < outChannels; o++) {
                acc = mulAdd(acc, outputGrad(image, oy, ox, o), kernel[tap + o]!);
              }
            }
          }
          out[i++] = acc;
        }
      }
    }
  }
}

export function conv2dKernelGrad(
  profile: Profile,
  out: TypedArray,
  x: TypedArray,
  dy: TypedArray,
  attrs: KernelGradAttrs,
): void {
  const { batch, outHeight, outWidth, inChannels, outChannels, kernelHeight, kernelWidth, segments } = attrs;
  const { add, mulAdd } = arithmeticOf('conv2dKernelGrad', dtypeOf(out), profile);
  requireWholeSegments(attrs);
  const input = pixels(x, attrs.height, attrs.width, inChannels);
  const images = batch / segments;
  const size = kernelHeight * kernelWidth * inChannels * outChannels;
  for (let i = 0; i < size; i++) {
    const o = i % outChannels;
    const c = Math.floor(i / outChannels) % inChannels;
    const tap = Math.floor(i / (outChannels * inChannels));
    const kx = tap % kernelWidth;
    const ky = Math.floor(tap / kernelWidth);
    const segmentSum = (s: number) => {
      let acc = 0;
      for (let image = s * images; image < (s + 1) * images; image++) {
        for (let oy = 0; oy < outHeight; oy++) {
          for (let ox = 0; ox < outWidth; ox++) {
            const y = oy * attrs.strideY + ky - attrs.padTop;
            const column = ox * attrs.strideX + kx - attrs.padLeft;
            const g = dy[((image * outHeight + oy) * outWidth + ox) * outChannels + o]!;
            acc = mulAdd(acc, input(image, y, column, c), g);
          }
        }
      }
      return acc;
    };
    if (attrs.combine === 'tree') {
      out[i] = treeCombine('conv2dKernelGrad', segments, segmentSum, add);
    } else {
      for (let s = 0; s < segments; s++) out[s * size + i] = segmentSum(s);
    }
  }
}

/** @throws LockstepError `argument` unless the batch is `segments` equal runs, for a tree a power of two of them. */
export function requireWholeSegments({ batch, segments, combine }: KernelGradAttrs): void {
  if (combine === 'tree') requirePowerOfTwo('conv2dKernelGrad', segments);
  if (batch % segments === 0) return;
  throw new LockstepError(
    'argument',
    `conv2dKernelGrad: ${batch} images do not split into ${segments} equal segments`,
    { batch, segments },
  );
}
