/**
 * The public convolutions: one and two dimensions, stride, padding, dilation, groups. Without dilation and groups this
 * is the primitive. With dilation the windows are gathered and multiplied in one product, which gives the bits of a
 * dilated kernel. Groups are convolved separately; with one channel in each group (depthwise), the taps are summed
 * elementwise.
 */

import { aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { asTensors } from '../../convert.ts';
import { bind } from '../../core.ts';
import { aPadding, aPadding1d, aSize, aTensor } from '../../kinds.ts';
import { conv2dPrimitive } from '../../primitives/convolution/conv2d.ts';
import {
  addAll,
  besides,
  extentOf,
  outputLength,
  type Padding,
  type Padding1d,
  padImages,
  requireLengths,
  resolvePadding,
  type Sides,
  type Size,
  tapOf,
  tapsOf,
} from '../../primitives/convolution/windows.ts';
import { mul } from '../../primitives/elementwise/fusible.ts';
import { requireArithmetic } from '../../primitives/elementwise/rules.ts';
import { matmul } from '../../primitives/linear-algebra/matmul.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';

export interface Conv2dOptions {
  /** Step between windows, or [down, across]. Default 1. */
  readonly stride?: Size;
  /** Default 'same'. */
  readonly padding?: Padding;
  /** Step between a window's own elements, or [down, across]. Default 1. */
  readonly dilation?: Size;
  /**
   * The number of equal runs of input and output channels that are convolved separately; the kernel is [kh, kw, C /
   * groups, O]. Default 1.
   */
  readonly groups?: number;
}

export const conv2dRules: Rules<Conv2dOptions> = {
  stride: aSize,
  padding: aPadding,
  dilation: aSize,
  groups: aNumber,
};

export interface Conv1dOptions {
  /** Step between windows. Default 1. */
  readonly stride?: number;
  /** As for `conv2d`, or [before, after]. Default 'same'. */
  readonly padding?: Padding1d;
  /** Step between a window's own elements. Default 1. */
  readonly dilation?: number;
  /** The number of runs of channels that are convolved separately, as for `conv2d`. Default 1. */
  readonly groups?: number;
}

export const conv1dRules: Rules<Conv1dOptions> = {
  stride: aNumber,
  padding: aPadding1d,
  dilation: aNumber,
  groups: aNumber,
};

/** Everything that defines a convolution except its operands. */
interface Geometry {
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: readonly [Sides, Sides];
  readonly outputs: readonly [number, number];
}

const checkConv2d = signature('conv2d', { x: aTensor, kernel: aTensor }, conv2dRules);

/** Cross-correlation of images with a kernel: x [B, H, W, C], kernel [kh, kw, C / groups, O] → [B, H′, W′, O]. */
export function conv2d(x: Tensor, kernel: Tensor, options: Conv2dOptions = {}): Tensor {
  checkConv2d(x, kernel, options);
  const { groups = 1 } = options;
  requireImages(x, kernel, groups);
  const geometry = geometryOf('conv2d', x, kernel, options);
  if (groups === 1) return convolve(x, kernel, geometry);
  const channels = x.shape[3]!;
  if (groups === channels) return depthwise(x, kernel, geometry);
  const [inEach, outEach] = [channels / groups, kernel.shape[3]! / groups];
  const parts = Array.from({ length: groups }, (_, group) =>
    convolve(lastAxis(x, group * inEach, inEach), lastAxis(kernel, group * outEach, outEach), geometry),
  );
  return concatenate(parts, 3);
}

const checkConv1d = signature('conv1d', { x: aTensor, kernel: aTensor }, conv1dRules);

/** Cross-correlation of sequences with a kernel: x [B, L, C], kernel [k, C / groups, O] → [B, L′, O]. */
export function conv1d(x: Tensor, kernel: Tensor, options: Conv1dOptions = {}): Tensor {
  checkConv1d(x, kernel, options);
  const { stride = 1, padding = 'same', dilation = 1, groups = 1 } = options;
  requireSequences('conv1d', x, kernel, x.shape[2]! / groups, '[k, C / groups, O]');
  const y = conv2d(asImages(x), reshape(kernel, [1, ...kernel.shape]), {
    stride: [1, stride],
    padding: besides(padding),
    dilation: [1, dilation],
    groups,
  });
  return asSequences(y);
}

/** [B, L, C] as images of height 1, and back. */
export const asImages = (x: Tensor): Tensor => reshape(x, [x.shape[0]!, 1, ...x.shape.slice(1)]);
export const asSequences = (y: Tensor): Tensor => reshape(y, [y.shape[0]!, ...y.shape.slice(2)]);

/** Channels `from` … `from + count − 1`. */
export const lastAxis = (x: Tensor, from: number, count: number): Tensor =>
  slice(x, [...x.shape.slice(1).fill(0), from], [...x.shape.slice(0, -1), from + count]);

function convolve(x: Tensor, kernel: Tensor, geometry: Geometry): Tensor {
  const { strides, dilation, padding, outputs } = geometry;
  if (dilation.every((step) => step === 1))
    return bind(conv2dPrimitive, [x, kernel], { strides, padding: padding.flat() as PaddingAttr });
  const [down, across, channels, outChannels] = kernel.shape as [number, number, number, number];
  const windows = concatenate(tapViews(x, kernel, geometry), 3);
  const product = matmul(windows, reshape(kernel, [down * across * channels, outChannels]));
  return reshape(product, [x.shape[0]!, ...outputs, outChannels]);
}

type PaddingAttr = [number, number, number, number];

/**
 * Convolution with one channel in each group: x [B, H, W, C], kernel [kh, kw, 1, C·m]; output channels c·m … c·m + m −
 * 1 read channel c.
 */
function depthwise(x: Tensor, kernel: Tensor, geometry: Geometry): Tensor {
  const [down, across, , outChannels] = kernel.shape as [number, number, number, number];
  const channels = x.shape[3]!;
  const weights = reshape(kernel, [down * across, channels, outChannels / channels]);
  const terms = tapViews(x, kernel, geometry).map((view, tap) =>
    mul(reshape(view, [...view.shape, 1]), reshape(slice(weights, [tap], [tap + 1]), weights.shape.slice(1))),
  );
  return reshape(addAll(terms), [x.shape[0]!, ...geometry.outputs, outChannels]);
}

/** The part of x that each tap of the kernel reads: [B, H′, W′, C]. */
function tapViews(x: Tensor, kernel: Tensor, { strides, dilation, padding, outputs }: Geometry): Tensor[] {
  const padded = padImages(x, padding);
  const window = [kernel.shape[0]!, kernel.shape[1]!] as const;
  return tapsOf(window, dilation).map((place) => tapOf(padded, place, strides, outputs));
}

function geometryOf(op: string, x: Tensor, kernel: Tensor, options: Conv2dOptions): Geometry {
  const strides = requireLengths(op, 'stride', options.stride ?? 1, 1);
  const steps = requireLengths(op, 'dilation', options.dilation ?? 1, 1);
  // Dilation has no effect along an axis with a single tap.
  const dilation = [kernel.shape[0] === 1 ? 1 : steps[0], kernel.shape[1] === 1 ? 1 : steps[1]] as const;
  const extents = [extentOf(kernel.shape[0]!, dilation[0]), extentOf(kernel.shape[1]!, dilation[1])] as const;
  const padding = resolvePadding(op, options.padding ?? 'same', x.shape, extents, strides);
  const outputs = [
    outputLength(x.shape[1]!, extents[0], strides[0], padding[0]),
    outputLength(x.shape[2]!, extents[1], strides[1], padding[1]),
  ] as const;
  if (outputs.some((length) => length < 1)) {
    throw new LockstepError(
      'shape',
      `${op}: a ${extents.join('×')} kernel does not fit images of ${x.shape[1]}×${x.shape[2]}; use padding 'same' or a smaller kernel`,
      { op, x: x.shape, kernel: kernel.shape },
    );
  }
  return { strides, dilation, padding, outputs };
}

function requireImages(x: Tensor, kernel: Tensor, groups: number): void {
  asTensors('conv2d', x, kernel);
  requireArithmetic('conv2d', x);
  const [inEach, outEach] = [x.shape[3]! / groups, kernel.shape[3]! / groups];
  if (x.rank === 4 && kernel.rank === 4 && inEach === kernel.shape[2] && Number.isInteger(outEach)) return;
  throw new LockstepError(
    'shape',
    groups === 1
      ? `conv2d: takes images [B, H, W, C] and a kernel [kh, kw, C, O] with the same C, not ${formatShape(x.shape)} and ${formatShape(kernel.shape)}`
      : `conv2d: takes images [B, H, W, C] and a kernel [kh, kw, C / groups, O] where ${groups} groups divide C and O, not ${formatShape(x.shape)} and ${formatShape(kernel.shape)}`,
    { op: 'conv2d', x: x.shape, kernel: kernel.shape, groups },
  );
}

/** Throws unless x is sequences [B, L, C] and the kernel has `channels` at its middle axis. */
export function requireSequences(
  op: string,
  x: Tensor,
  kernel: Tensor,
  channels: number,
  form: string,
): void {
  if (x.rank === 3 && kernel.rank === 3 && kernel.shape[1] === channels) return;
  throw new LockstepError(
    'shape',
    `${op}: takes sequences [B, L, C] and a kernel ${form} with the same C, not ${formatShape(x.shape)} and ${formatShape(kernel.shape)}`,
    { op, x: x.shape, kernel: kernel.shape },
  );
}
