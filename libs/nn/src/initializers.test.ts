import { type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import type { Initializer } from './fans.ts';
import {
  heNormal,
  heUniform,
  lecunNormal,
  normal,
  ones,
  xavierNormal,
  xavierUniform,
  zeros,
} from './initializers.ts';

const key = tensor(Uint32Array.of(5, 6));
const moments = (x: Tensor): { mean: number; variance: number } => {
  const values = x.cast('float64');
  const mean = values.mean().item();
  return { mean, variance: values.sub(mean).square().mean().item() };
};

/** fanIn 3·3·16 = 144, fanOut 3·3·32 = 288. */
const convKernel = [3, 3, 16, 32];
const denseKernel = [100, 60];

const cases: readonly (readonly [string, Initializer, readonly number[], number])[] = [
  ['heNormal, dense', heNormal, denseKernel, 2 / 100],
  ['heNormal, conv', heNormal, convKernel, 2 / 144],
  ['heUniform, dense', heUniform, denseKernel, 2 / 100],
  ['heUniform, conv', heUniform, convKernel, 2 / 144],
  ['xavierNormal, dense', xavierNormal, denseKernel, 2 / 160],
  ['xavierNormal, conv', xavierNormal, convKernel, 2 / 432],
  ['xavierUniform, dense', xavierUniform, denseKernel, 2 / 160],
  ['xavierUniform, conv', xavierUniform, convKernel, 2 / 432],
  ['lecunNormal, dense', lecunNormal, denseKernel, 1 / 100],
  ['lecunNormal, conv', lecunNormal, convKernel, 1 / 144],
  ['normal', normal(0.3), denseKernel, 0.09],
];

describe('initialisers', () => {
  it.each(cases)('%s: mean 0 and its variance', (_name, init, shape, variance) => {
    const x = init(key, shape);
    expect(x.dtype).toBe('float32');
    expect(x.shape).toEqual(shape);
    const found = moments(x);
    expect(Math.abs(found.mean)).toBeLessThan(5 * Math.sqrt(variance / x.size));
    expect(found.variance / variance).toBeCloseTo(1, 1);
  });

  it('uniform ones end at √3 standard deviations', () => {
    const limit = Math.sqrt((3 * 2) / 100);
    const largest = Math.max(...heUniform(key, denseKernel).abs().data);
    expect(largest).toBeLessThanOrEqual(Math.fround(limit));
    expect(largest).toBeGreaterThan(0.99 * limit);
  });

  it('depend on nothing but key and shape', () => {
    expect(heNormal(key, [4, 5]).data).toEqual(heNormal(key, [4, 5]).data);
    expect(heNormal(tensor(Uint32Array.of(5, 7)), [4, 5]).data).not.toEqual(heNormal(key, [4, 5]).data);
  });

  it('constants', () => {
    expect(zeros(key, [2]).data).toEqual(Float32Array.of(0, 0));
    expect(ones(key, [2]).data).toEqual(Float32Array.of(1, 1));
  });

  it('refuse fans where there are none', () => {
    expect(() => heNormal(key, [5])).toThrow(/shape \[5\] has no fan-in; .*normal\(stddev\)/);
  });
});
