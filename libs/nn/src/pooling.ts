/** Layers that summarise windows of images [H, W, C] and sequences [L, C], and their opposite. */

import type { AvgPool1dOptions, AvgPoolOptions, Pool1dOptions, PoolOptions } from '@lockstep/autodiff';
import * as ops from '@lockstep/autodiff';
import { type Empty, type Layer, weightless } from './layer.ts';
import { requireCount } from './require.ts';

export { globalAvgPool, globalMaxPool } from '@lockstep/autodiff';

type Size = number | readonly [number, number];

/**
 * The largest element of each window; padding never wins. A number in place of the options is the stride.
 * [rows, H, W, C] → [rows, H′, W′, C]
 */
export const maxPool = (size: Size, options: PoolOptions | Size = {}): Layer<Empty, Empty> =>
  weightless('maxPool', (x) => ops.maxPool(x, size, options));

/** The largest element of each window. [rows, L, C] → [rows, L′, C] */
export const maxPool1d = (size: number, options: Pool1dOptions = {}): Layer<Empty, Empty> =>
  weightless('maxPool1d', (x) => ops.maxPool1d(x, size, options));

/** The mean of each window. [rows, H, W, C] → [rows, H′, W′, C] */
export const avgPool = (size: Size, options: AvgPoolOptions = {}): Layer<Empty, Empty> =>
  weightless('avgPool', (x) => ops.avgPool(x, size, options));

/** The mean of each window. [rows, L, C] → [rows, L′, C] */
export const avgPool1d = (size: number, options: AvgPool1dOptions = {}): Layer<Empty, Empty> =>
  weightless('avgPool1d', (x) => ops.avgPool1d(x, size, options));

/** The means of `size` windows along each axis that cover all of it. [rows, H, W, C] → [rows, ..size, C] */
export const adaptiveAvgPool = (size: Size): Layer<Empty, Empty> =>
  weightless('adaptiveAvgPool', (x) => ops.adaptiveAvgPool(x, size));

/** The maxima of `size` windows along each axis that cover all of it. [rows, H, W, C] → [rows, ..size, C] */
export const adaptiveMaxPool = (size: Size): Layer<Empty, Empty> =>
  weightless('adaptiveMaxPool', (x) => ops.adaptiveMaxPool(x, size));

/** The means of `size` windows that cover a sequence. [rows, L, C] → [rows, size, C] */
export const adaptiveAvgPool1d = (size: number): Layer<Empty, Empty> =>
  weightless('adaptiveAvgPool1d', (x) => ops.adaptiveAvgPool1d(x, size));

/** Each place `factor` times along every axis but the last, the nearest neighbour's value: [rows, .., C] → [rows, ..·factor, C] */
export function upsample(factor: number): Layer<Empty, Empty> {
  requireCount('upsample', 'factor', factor);
  return weightless('upsample', (x) =>
    x.shape.slice(1, -1).reduce((y, _length, i) => ops.repeat(y, factor, i + 1), x),
  );
}
