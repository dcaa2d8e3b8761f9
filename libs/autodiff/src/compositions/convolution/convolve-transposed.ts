/** Transposed convolution: the linear transpose of `conv2d`, which spreads each pixel over a window of the output. */

import { aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { asTensors } from '../../convert.ts';
import { bind } from '../../core.ts';
import { aPadding, aPadding1d, aSize, aTensor } from '../../kinds.ts';
import { inputGradPrimitive } from '../../primitives/convolution/conv2d.ts';
import {
  addAll,
  besides,
  explicitPadding,
  extentOf,
  type Padding,
  type Padding1d,
  requireLengths,
  type Sides,
  type Size,
  tapsOf,
} from '../../primitives/convolution/windows.ts';
import { mul } from '../../primitives/elementwise/fusible.ts';
import { requireArithmetic } from '../../primitives/elementwise/rules.ts';
import { matmul } from '../../primitives/linear-algebra/matmul.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { reshape, transpose } from '../../primitives/shape/reshape.ts';
import { place, slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { asImages, asSequences, lastAxis, requireSequences } from './convolve.ts';

export interface ConvTranspose2dOptions {
  /** Step between the windows of the output, or [down, across]. Default 1. */
  readonly stride?: Size;
  /**
   * The padding of the convolution whose transpose this is; the output is cropped by it. 'same': output = input ·
   * stride. 'valid': no cropping. A number: as many on every side. Or [[top, bottom], [left, right]]. Default 'same'.
   */
  readonly padding?: Padding;
  /** Rows and columns added at the end, fewer than the stride or the dilation. Default 0. */
  readonly outputPadding?: Size;
  /** Step between a window's own elements, or [down, across]. Default 1. */
  readonly dilation?: Size;
  /**
   * The number of equal runs of channels that are transposed separately; the kernel is [kh, kw, C, O / groups]. Default
   * 1.
   */
  readonly groups?: number;
}

export const convTranspose2dRules: Rules<ConvTranspose2dOptions> = {
  stride: aSize,
  padding: aPadding,
  outputPadding: aSize,
  dilation: aSize,
  groups: aNumber,
};

export interface ConvTranspose1dOptions {
  /** Step between the windows of the output. Default 1. */
  readonly stride?: number;
  /** As for `convTranspose2d`, or [before, after]. Default 'same'. */
  readonly padding?: Padding1d;
  /** Places added at the end, fewer than the stride or the dilation. Default 0. */
  readonly outputPadding?: number;
  /** Step between a window's own elements. Default 1. */
  readonly dilation?: number;
  /** The number of runs of channels that are transposed separately, as for `convTranspose2d`. Default 1. */
  readonly groups?: number;
}

export const convTranspose1dRules: Rules<ConvTranspose1dOptions> = {
  stride: aNumber,
  padding: aPadding1d,
  outputPadding: aNumber,
  dilation: aNumber,
  groups: aNumber,
};

interface Geometry {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Rows and columns that are cropped; negative at the end where rows are added. */
  readonly crop: readonly [Sides, Sides];
  readonly outputs: readonly [number, number];
}

const checkConvTranspose2d = signature(
  'convTranspose2d',
  { x: aTensor, kernel: aTensor },
  convTranspose2dRules,
);

/**
 * The transpose of a convolution of images: x [B, H, W, C], kernel [kh, kw, C, O / groups] → [B, H′, W′, O] with
 * H′ = (H − 1)·stride − top − bottom + dilation·(kh − 1) + 1 + outputPadding.
 */
export function convTranspose2d(x: Tensor, kernel: Tensor, options: ConvTranspose2dOptions = {}): Tensor {
  checkConvTranspose2d(x, kernel, options);
  const { groups = 1 } = options;
  requireImages(x, kernel, groups);
  const geometry = geometryOf(x, kernel, options);
  const channels = x.shape[3]!;
  if (groups === channels && groups > 1) {
    const terms = tapKernels(kernel).map((weights) => {
      const term = mul(reshape(x, [...x.shape, 1]), weights);
      return reshape(term, [...x.shape.slice(0, 3), channels * weights.shape[1]!]);
    });
    return spreadTaps(terms, geometry);
  }
  const each = channels / groups;
  const parts = Array.from({ length: groups }, (_, group) => {
    const rows = slice(kernel, [0, 0, group * each], [...geometry.window, (group + 1) * each]);
    return transposed(groups === 1 ? x : lastAxis(x, group * each, each), rows, geometry);
  });
  return concatenate(parts, 3);
}

const checkConvTranspose1d = signature(
  'convTranspose1d',
  { x: aTensor, kernel: aTensor },
  convTranspose1dRules,
);

/** The transpose of a convolution of sequences: x [B, L, C], kernel [k, C, O / groups] → [B, L′, O]. */
export function convTranspose1d(x: Tensor, kernel: Tensor, options: ConvTranspose1dOptions = {}): Tensor {
  checkConvTranspose1d(x, kernel, options);
  const { stride = 1, padding = 'same', outputPadding = 0, dilation = 1, groups = 1 } = options;
  requireSequences('convTranspose1d', x, kernel, x.shape[2]!, '[k, C, O / groups]');
  const y = convTranspose2d(asImages(x), reshape(kernel, [1, ...kernel.shape]), {
    stride: [1, stride],
    padding: besides(padding),
    outputPadding: [0, outputPadding],
    dilation: [1, dilation],
    groups,
  });
  return asSequences(y);
}

function transposed(x: Tensor, kernel: Tensor, geometry: Geometry): Tensor {
  const { strides, dilation, crop, outputs } = geometry;
  if (dilation.some((step) => step > 1)) {
    return spreadTaps(
      tapKernels(kernel).map((weights) => matmul(x, weights)),
      geometry,
    );
  }
  const [[top, bottom], [left, right]] = crop;
  return bind(inputGradPrimitive, [x, transpose(kernel, [0, 1, 3, 2])], {
    strides,
    padding: [top, bottom, left, right],
    inputSize: outputs,
  });
}

/** The [C, O] matrices of the window's places. */
function tapKernels(kernel: Tensor): Tensor[] {
  const [down, across, ...matrix] = kernel.shape as [number, number, number, number];
  const flat = reshape(kernel, [down * across, ...matrix]);
  return Array.from({ length: down * across }, (_, tap) => reshape(slice(flat, [tap], [tap + 1]), matrix));
}

/** The sum of the terms of all taps, each at its own places of the output. terms [B, H, W, O] → [B, H′, W′, O] */
function spreadTaps(
  terms: readonly Tensor[],
  { window, strides, dilation, crop, outputs }: Geometry,
): Tensor {
  const [batch, height, width, channels] = terms[0]!.shape as [number, number, number, number];
  const reach = (axis: 0 | 1, input: number): number =>
    Math.max(
      (input - 1) * strides[axis] + extentOf(window[axis], dilation[axis]),
      crop[axis][0] + outputs[axis],
    );
  const whole = [batch, reach(0, height), reach(1, width), channels];
  const taps = tapsOf(window, dilation);
  const sum = addAll(terms.map((term, tap) => place(term, [0, ...taps[tap]!, 0], [1, ...strides, 1], whole)));
  const [[top], [left]] = crop;
  return slice(sum, [0, top, left], [batch, top + outputs[0], left + outputs[1]]);
}

function geometryOf(x: Tensor, kernel: Tensor, options: ConvTranspose2dOptions): Geometry {
  const op = 'convTranspose2d';
  const { padding = 'same' } = options;
  const window = [kernel.shape[0]!, kernel.shape[1]!] as const;
  const strides = requireLengths(op, 'stride', options.stride ?? 1, 1);
  const steps = requireLengths(op, 'dilation', options.dilation ?? 1, 1);
  const added = requireLengths(op, 'outputPadding', options.outputPadding ?? 0, 0);
  const dilation = [window[0] === 1 ? 1 : steps[0], window[1] === 1 ? 1 : steps[1]] as const;
  if (added.some((rows, axis) => rows >= Math.max(strides[axis]!, steps[axis]!))) {
    throw new LockstepError(
      'argument',
      `${op}: outputPadding ${formatShape(added)} must be smaller than the stride ${formatShape(strides)} or the dilation ${formatShape(steps)}`,
      { op, outputPadding: added, strides, dilation: steps },
    );
  }
  const along = (axis: 0 | 1): { crop: Sides; output: number } => {
    const extent = extentOf(window[axis], dilation[axis]);
    const [before, after] =
      padding === 'same' ? surplus(extent - strides[axis]) : explicitPadding(op, padding)[axis];
    const crop = [before, after - added[axis]] as const;
    return { crop, output: (x.shape[axis + 1]! - 1) * strides[axis] + extent - crop[0] - crop[1] };
  };
  const [down, across] = [along(0), along(1)];
  if (down.output < 1 || across.output < 1) {
    throw new LockstepError(
      'shape',
      `${op}: padding cuts off all of the ${down.output}×${across.output} output of images ${formatShape(x.shape)}; use less`,
      { op, x: x.shape, kernel: kernel.shape, padding },
    );
  }
  return { window, strides, dilation, crop: [down.crop, across.crop], outputs: [down.output, across.output] };
}

/** Crops a surplus on both sides, with the odd row at the end; missing rows are added at the end. */
const surplus = (rows: number): Sides => (rows < 0 ? [0, rows] : [rows >> 1, rows - (rows >> 1)]);

function requireImages(x: Tensor, kernel: Tensor, groups: number): void {
  asTensors('convTranspose2d', x, kernel);
  requireArithmetic('convTranspose2d', x);
  const whole = Number.isInteger(groups) && x.shape[3]! % groups === 0;
  if (x.rank === 4 && kernel.rank === 4 && x.shape[3] === kernel.shape[2] && whole) return;
  throw new LockstepError(
    'shape',
    `convTranspose2d: takes images [B, H, W, C] and a kernel [kh, kw, C, O / groups] with the same C, divisible by ${groups} groups, not ${formatShape(x.shape)} and ${formatShape(kernel.shape)}`,
    { op: 'convTranspose2d', x: x.shape, kernel: kernel.shape, groups },
  );
}
