/** All reductions agree: without axes they reduce over everything. */
import { describe, expect, it } from 'vitest';
import { families } from '../../fixtures/ops/index.ts';
import { bitsOf, distinct } from '../../fixtures/values.ts';
import * as ops from '../../index.ts';
import { jit, type ReduceOptions, type Tensor, vmap } from '../../index.ts';

type Reduction = (x: Tensor, axes?: number, options?: ReduceOptions) => Tensor;

/** These keep the shape, and their default axis is the last one. */
const keepShape = ['softmax', 'logSoftmax'];

/** Reductions with another argument before the axes. */
const withArgument: Readonly<Record<string, Reduction>> = {
  average: (x, axes, options) => ops.average(x, ops.full(x.shape, 2, x.dtype), axes, options),
  quantile: (x, axes, options) => ops.quantile(x, 0.3, axes, options),
};

const names = [...Object.keys(families.reductions), ...Object.keys(families.statistics)].filter(
  (name) => !keepShape.includes(name),
);
const reductionOf = (name: string): Reduction =>
  withArgument[name] ?? (ops as unknown as Readonly<Record<string, Reduction>>)[name]!;

describe.each(names)('%s', (name) => {
  const f = reductionOf(name);
  const x = distinct([2, 3, 2])(1).cast('float32');
  it('reduces over everything without axes', () => {
    const flat = f(x.ravel(), 0);
    expect(flat.shape).toEqual([]);
    expect(bitsOf(f(x))).toBe(bitsOf(flat));
    expect(bitsOf(f(x, undefined, { keepDims: true }))).toBe(bitsOf(flat.reshape([1, 1, 1])));
    expect(bitsOf(jit((y: Tensor) => f(y))(x))).toBe(bitsOf(flat));
  });
  it('reduces over everything but the batch inside vmap', () => {
    expect(vmap((y: Tensor) => f(y))(x).shape).toEqual([2]);
  });
  it('takes a scalar', () => {
    expect(f(ops.tensor(0.5)).shape).toEqual([]);
  });
});

it('softmax and logSoftmax go along the last axis by default', () => {
  const x = distinct([2, 3])(1);
  expect(bitsOf(ops.softmax(x))).toBe(bitsOf(ops.softmax(x, -1)));
  expect(bitsOf(ops.logSoftmax(x))).toBe(bitsOf(ops.logSoftmax(x, -1)));
});
