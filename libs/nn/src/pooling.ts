/** Layers that summarise windows of images [H, W, C] and sequences [L, C], and upsampling. */

import type { AvgPool1dOptions, AvgPoolOptions, Pool1dOptions, PoolOptions } from '@lockstep/autodiff';
import * as ops from '@lockstep/autodiff';
import { aNumber, either, nestedOptions, signature, whole } from '@lockstep/errors';
import { aSize } from './kinds.ts';
import { type Empty, type Layer, weightless } from './layer.ts';

export { globalAvgPool, globalMaxPool } from '@lockstep/autodiff';

type Size = number | readonly [number, number];

const checkMaxPool = signature('maxPool', {
  size: aSize,
  'options?': either(aSize, nestedOptions(ops.kinds.poolRules)),
});

/**
 * The largest element of each window; padding is never the largest. A number instead of options is the stride. [rows,
 * H, W, C] → [rows, H′, W′, C]
 */
export function maxPool(size: Size, options: PoolOptions | Size = {}): Layer<Empty, Empty> {
  checkMaxPool(size, options);
  return weightless('maxPool', (x) => ops.maxPool(x, size, options));
}

const checkMaxPool1d = signature('maxPool1d', { size: aNumber }, ops.kinds.pool1dRules);

/** The largest element of each window. [rows, L, C] → [rows, L′, C] */
export function maxPool1d(size: number, options: Pool1dOptions = {}): Layer<Empty, Empty> {
  checkMaxPool1d(size, options);
  return weightless('maxPool1d', (x) => ops.maxPool1d(x, size, options));
}

const checkAvgPool = signature('avgPool', { size: aSize }, ops.kinds.avgPoolRules);

/** The mean of each window. [rows, H, W, C] → [rows, H′, W′, C] */
export function avgPool(size: Size, options: AvgPoolOptions = {}): Layer<Empty, Empty> {
  checkAvgPool(size, options);
  return weightless('avgPool', (x) => ops.avgPool(x, size, options));
}

const checkAvgPool1d = signature('avgPool1d', { size: aNumber }, ops.kinds.avgPool1dRules);

/** The mean of each window. [rows, L, C] → [rows, L′, C] */
export function avgPool1d(size: number, options: AvgPool1dOptions = {}): Layer<Empty, Empty> {
  checkAvgPool1d(size, options);
  return weightless('avgPool1d', (x) => ops.avgPool1d(x, size, options));
}

const checkAdaptiveAvgPool = signature('adaptiveAvgPool', { size: aSize });

/** The means of `size` windows per axis, which together cover the axis. [rows, H, W, C] → [rows, ..size, C] */
export function adaptiveAvgPool(size: Size): Layer<Empty, Empty> {
  checkAdaptiveAvgPool(size);
  return weightless('adaptiveAvgPool', (x) => ops.adaptiveAvgPool(x, size));
}

const checkAdaptiveMaxPool = signature('adaptiveMaxPool', { size: aSize });

/** The maxima of `size` windows per axis, which together cover the axis. [rows, H, W, C] → [rows, ..size, C] */
export function adaptiveMaxPool(size: Size): Layer<Empty, Empty> {
  checkAdaptiveMaxPool(size);
  return weightless('adaptiveMaxPool', (x) => ops.adaptiveMaxPool(x, size));
}

const checkAdaptiveAvgPool1d = signature('adaptiveAvgPool1d', { size: aNumber });

/** The means of `size` windows that together cover a sequence. [rows, L, C] → [rows, size, C] */
export function adaptiveAvgPool1d(size: number): Layer<Empty, Empty> {
  checkAdaptiveAvgPool1d(size);
  return weightless('adaptiveAvgPool1d', (x) => ops.adaptiveAvgPool1d(x, size));
}

const checkUpsample = signature('upsample', { factor: whole(1) });

/**
 * Repeats each place `factor` times along every axis but the last (nearest neighbour): [rows, .., C] → [rows,
 * ..·factor, C]
 */
export function upsample(factor: number): Layer<Empty, Empty> {
  checkUpsample(factor);
  return weightless('upsample', (x) =>
    x.shape.slice(1, -1).reduce((y, _length, i) => ops.repeat(y, factor, i + 1), x),
  );
}
