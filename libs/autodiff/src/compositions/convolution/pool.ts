/** The public pooling ops: the maxima and means of windows, in one and two dimensions, adaptive and global. */
import {
  aBoolean,
  aNumber,
  either,
  LockstepError,
  nestedOptions,
  type Rules,
  signature,
} from '@lockstep/errors';
import { formatShape, type Shape } from '@lockstep/tensor';
import { full, tensor } from '../../convert.ts';
import { bind } from '../../core.ts';
import { aPadding, aPadding1d, aSize, aTensor } from '../../kinds.ts';
import { maxPoolPrimitive } from '../../primitives/convolution/max-pool.ts';
import {
  addAll,
  besides,
  outputLength,
  type Padding,
  type Padding1d,
  padImages,
  requireLengths,
  resolvePadding,
  type Sides,
  type Size,
} from '../../primitives/convolution/windows.ts';
import { div } from '../../primitives/elementwise/fusible.ts';
import { requireFloat } from '../../primitives/elementwise/rules.ts';
import { max } from '../../primitives/reduce/extrema.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { mean } from '../reduce/means.ts';
import { asImages, asSequences } from './convolve.ts';

export interface PoolOptions {
  /** Step between windows, or [down, across]. Default: the window, so that windows do not overlap. */
  readonly stride?: Size;
  /** Default 'valid': windows that reach beyond the image are left out. */
  readonly padding?: Padding;
}

export const poolRules: Rules<PoolOptions> = { stride: aSize, padding: aPadding };

export interface AvgPoolOptions extends PoolOptions {
  /** Count the padding's zeros as elements of the mean. Default true. */
  readonly countIncludePad?: boolean;
}

export const avgPoolRules: Rules<AvgPoolOptions> = { ...poolRules, countIncludePad: aBoolean };

export interface Pool1dOptions {
  /** Step between windows. Default: the window, so that windows do not overlap. */
  readonly stride?: number;
  /** As for `maxPool`, or [before, after]. Default 'valid'. */
  readonly padding?: Padding1d;
}

export const pool1dRules: Rules<Pool1dOptions> = { stride: aNumber, padding: aPadding1d };

export interface AvgPool1dOptions extends Pool1dOptions {
  /** Count the padding's zeros as elements of the mean. Default true. */
  readonly countIncludePad?: boolean;
}

export const avgPool1dRules: Rules<AvgPool1dOptions> = { ...pool1dRules, countIncludePad: aBoolean };

interface Geometry {
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly padding: readonly [Sides, Sides];
  readonly outputs: readonly [number, number];
}

const checkMaxPool = signature('maxPool', {
  x: aTensor,
  window: aSize,
  'options?': either(aSize, nestedOptions(poolRules)),
});

/**
 * The largest element of each window; padding is never the largest. The gradient goes to the first of several that tie,
 * and NaN counts as largest. A number in place of the options is the stride. [B, H, W, C] → [B, H′, W′, C]
 */
export function maxPool(x: Tensor, window: Size, options: PoolOptions | Size = {}): Tensor {
  checkMaxPool(x, window, options);
  const { strides, padding, ...geometry } = geometryOf('maxPool', x, window, optionsOf(options));
  const padded = aroundImages(x, padding, Number.NEGATIVE_INFINITY);
  return bind(maxPoolPrimitive, [padded], { window: geometry.window, strides });
}

const checkMaxPool1d = signature('maxPool1d', { x: aTensor, window: aNumber }, pool1dRules);

/** The largest element of each window. [B, L, C] → [B, L′, C] */
export function maxPool1d(x: Tensor, window: number, options: Pool1dOptions = {}): Tensor {
  checkMaxPool1d(x, window, options);
  requireSequences('maxPool1d', x);
  return asSequences(maxPool(asImages(x), [1, window], widened(window, options)));
}

const checkAvgPool = signature('avgPool', { x: aTensor, window: aSize }, avgPoolRules);

/** The mean of each window. [B, H, W, C] → [B, H′, W′, C] */
export function avgPool(x: Tensor, window: Size, options: AvgPoolOptions = {}): Tensor {
  checkAvgPool(x, window, options);
  const geometry = geometryOf('avgPool', x, window, options);
  const { padding, outputs } = geometry;
  const [down, across] = geometry.window;
  if (geometry.window.every((length, axis) => length === geometry.strides[axis])) {
    const cut = slice(padImages(x, padding), [], [x.shape[0]!, outputs[0] * down, outputs[1] * across]);
    if (options.countIncludePad !== false || padding.flat().every((zeros) => zeros === 0))
      return tileMeans(cut, outputs);
  }
  const padded = padImages(x, padding);
  const sums = windowSums(windowSums(padded, 1, geometry), 2, geometry);
  if (options.countIncludePad ?? true) return div(sums, down * across);
  return div(sums, tensor(countsOf(x.shape, geometry), { dtype: x.dtype }));
}

const checkAvgPool1d = signature('avgPool1d', { x: aTensor, window: aNumber }, avgPool1dRules);

/** The mean of each window. [B, L, C] → [B, L′, C] */
export function avgPool1d(x: Tensor, window: number, options: AvgPool1dOptions = {}): Tensor {
  checkAvgPool1d(x, window, options);
  requireSequences('avgPool1d', x);
  const { countIncludePad = true } = options;
  const images = avgPool(asImages(x), [1, window], { ...widened(window, options), countIncludePad });
  return asSequences(images);
}

const checkAdaptiveAvgPool = signature('adaptiveAvgPool', { x: aTensor, size: aSize });

/**
 * The means of `size` windows that together cover each axis: window i is ⌊i·H / size⌋ … ⌈(i + 1)·H / size⌉. [B, H, W,
 * C] → [B, ..size, C]
 */
export function adaptiveAvgPool(x: Tensor, size: Size): Tensor {
  checkAdaptiveAvgPool(x, size);
  return adaptive('adaptiveAvgPool', x, size, mean);
}

const checkAdaptiveMaxPool = signature('adaptiveMaxPool', { x: aTensor, size: aSize });

/**
 * The maxima of `size` windows that together cover each axis, as in `adaptiveAvgPool`. [B, H, W, C] → [B, ..size, C]
 */
export function adaptiveMaxPool(x: Tensor, size: Size): Tensor {
  checkAdaptiveMaxPool(x, size);
  return adaptive('adaptiveMaxPool', x, size, max);
}

const checkAdaptiveAvgPool1d = signature('adaptiveAvgPool1d', { x: aTensor, size: aNumber });

/** The means of `size` windows that together cover a sequence. [B, L, C] → [B, size, C] */
export function adaptiveAvgPool1d(x: Tensor, size: number): Tensor {
  checkAdaptiveAvgPool1d(x, size);
  requireSequences('adaptiveAvgPool1d', x);
  return asSequences(adaptive('adaptiveAvgPool1d', asImages(x), [1, size], mean));
}

const checkGlobalAvgPool = signature('globalAvgPool', { x: aTensor });

/** The mean over all axes between the first and the last. [B, .., C] → [B, C] */
export function globalAvgPool(x: Tensor): Tensor {
  checkGlobalAvgPool(x);
  requireFloat('globalAvgPool', x);
  return mean(x, betweenAxes('globalAvgPool', x));
}

const checkGlobalMaxPool = signature('globalMaxPool', { x: aTensor });

/** The maximum over all axes between the first and the last; elements that tie share the gradient. [B, .., C] → [B, C] */
export function globalMaxPool(x: Tensor): Tensor {
  checkGlobalMaxPool(x);
  return max(x, betweenAxes('globalMaxPool', x));
}

function betweenAxes(op: string, x: Tensor): number[] {
  if (x.rank >= 3) return x.shape.slice(2).map((_, i) => i + 1);
  throw new LockstepError(
    'shape',
    `${op}: takes [B, .., C] with at least one axis between, not ${formatShape(x.shape)}`,
    { op, shape: x.shape },
  );
}

const optionsOf = (options: PoolOptions | Size): PoolOptions =>
  typeof options === 'number' || Array.isArray(options)
    ? { stride: options as Size }
    : (options as PoolOptions);

const widened = (window: number, { stride = window, padding = 'valid' }: Pool1dOptions): PoolOptions => ({
  stride: [1, stride],
  padding: besides(padding),
});

type Summary = (x: Tensor, axes: number | readonly number[], options: { keepDims?: boolean }) => Tensor;

function adaptive(op: string, x: Tensor, size: Size, summary: Summary): Tensor {
  requireImages(op, x);
  const [down, across] = requireLengths(op, 'size', size, 1);
  return coverAxis(coverAxis(x, 1, down, summary), 2, across, summary);
}

/** Summaries of `count` windows that together cover an axis; `count` becomes the axis's length. */
function coverAxis(x: Tensor, axis: number, count: number, summary: Summary): Tensor {
  const length = x.shape[axis]!;
  const whole = x.shape.map(() => 0);
  const parts = Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((i * length) / count), Math.ceil(((i + 1) * length) / count)];
    return summary(slice(x, whole.with(axis, from), x.shape.with(axis, to)), axis, { keepDims: true });
  });
  return concatenate(parts, axis);
}

/** The means of windows that tile images. */
function tileMeans(x: Tensor, [rows, columns]: readonly [number, number]): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  return mean(reshape(x, [batch, rows, height / rows, columns, width / columns, channels]), [2, 4]);
}

/** For each window, the sum of its elements along axis 1 or 2. */
function windowSums(x: Tensor, axis: 1 | 2, { window, strides, outputs }: Geometry): Tensor {
  const [stride, output] = [strides[axis - 1]!, outputs[axis - 1]!];
  const whole = x.shape.map(() => 0);
  const taps = Array.from({ length: window[axis - 1]! }, (_, tap) =>
    slice(
      x,
      whole.with(axis, tap),
      x.shape.with(axis, tap + (output - 1) * stride + 1),
      x.shape.map((_length, i) => (i === axis ? stride : 1)),
    ),
  );
  return addAll(taps);
}

/** The number of the image's elements in each window. [H′, W′, 1] */
function countsOf(x: Shape, { window, strides, padding, outputs }: Geometry): number[][][] {
  const along = (axis: 0 | 1): number[] =>
    Array.from({ length: outputs[axis] }, (_, i) => {
      const from = i * strides[axis] - padding[axis][0];
      return Math.min(from + window[axis], x[axis + 1]!) - Math.max(from, 0);
    });
  const columns = along(1);
  return along(0).map((rows) => columns.map((count) => [rows * count]));
}

/** Images with `value` around them. */
function aroundImages(x: Tensor, padding: readonly [Sides, Sides], value: number): Tensor {
  return padding.reduce((image, sides, i) => {
    const bands = sides.map((length) => full(image.shape.with(i + 1, length), value, image.dtype));
    return sides[0] + sides[1] === 0 ? image : concatenate([bands[0]!, image, bands[1]!], i + 1);
  }, x);
}

function geometryOf(op: string, x: Tensor, size: Size, options: PoolOptions): Geometry {
  requireImages(op, x);
  const window = requireLengths(op, 'window', size, 1);
  const strides = requireLengths(op, 'stride', options.stride ?? size, 1);
  const padding = resolvePadding(op, options.padding ?? 'valid', x.shape, window, strides);
  const outputs = [
    outputLength(x.shape[1]!, window[0], strides[0], padding[0]),
    outputLength(x.shape[2]!, window[1], strides[1], padding[1]),
  ] as const;
  if (padding.some((sides, axis) => Math.max(...sides) >= window[axis]!)) {
    throw new LockstepError(
      'argument',
      `${op}: padding ${JSON.stringify(padding)} is as large as the ${window.join('×')} window, so a window would lie outside the image; use less`,
      { op, padding, window },
    );
  }
  if (outputs.every((length) => length >= 1)) return { window, strides, padding, outputs };
  throw new LockstepError(
    'shape',
    `${op}: takes images [B, H, W, C] at least as large as the ${window.join('×')} window, not ${formatShape(x.shape)}; make the window smaller or pad`,
    { op, shape: x.shape, window },
  );
}

function requireImages(op: string, x: Tensor): void {
  requireFloat(op, x);
  if (x.rank === 4) return;
  throw new LockstepError('shape', `${op}: takes images [B, H, W, C], not ${formatShape(x.shape)}`, {
    op,
    shape: x.shape,
  });
}

function requireSequences(op: string, x: Tensor): void {
  requireFloat(op, x);
  if (x.rank === 3) return;
  throw new LockstepError('shape', `${op}: takes sequences [B, L, C], not ${formatShape(x.shape)}`, {
    op,
    shape: x.shape,
  });
}
