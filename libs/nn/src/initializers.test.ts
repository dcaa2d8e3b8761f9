import { normal as autodiffNormal, concatenate, foldIn, jit, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { conv2d, convTranspose2d } from './convolution.ts';
import { dense } from './dense.ts';
import type { Initializer } from './fans.ts';
import {
  fill,
  heNormal,
  heUniform,
  identity,
  lecunNormal,
  lecunUniform,
  normal,
  ones,
  orthogonal,
  torchDefault,
  truncatedNormal,
  uniform,
  xavierNormal,
  xavierUniform,
  zeros,
} from './initializers.ts';
import type { Layer } from './layer.ts';

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
  ['lecunUniform, conv', lecunUniform, convKernel, 1 / 144],
  ['normal', normal(0.3), denseKernel, 0.09],
];

describe('initialisers', () => {
  it.each(cases)('%s has mean 0 and its variance', (_name, init, shape, variance) => {
    const x = init(key, shape);
    expect(x.dtype).toBe('float32');
    expect(x.shape).toEqual(shape);
    const found = moments(x);
    expect(Math.abs(found.mean)).toBeLessThan(5 * Math.sqrt(variance / x.size));
    expect(found.variance / variance).toBeCloseTo(1, 1);
  });

  it('end at √3 standard deviations if they are uniform', () => {
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

  it('refuse shapes without fans', () => {
    expect(() => heNormal(key, [5])).toThrow(/shape \[5\] has no fan-in; .*normal\(stddev\)/);
  });

  it('torchDefault is uniform in ±1/√fanIn, for biases by their kernel’s', () => {
    for (const x of [torchDefault(key, [50, 40]), torchDefault(key, [4000], [50, 80])]) {
      const largest = Math.max(...x.abs().data);
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(50));
      expect(largest).toBeGreaterThan(0.99 / Math.sqrt(50));
    }
    const { params } = dense(3, { init: torchDefault, biasInit: torchDefault }).init(key, [16]);
    expect(Math.max(...params.bias!.abs().data)).toBeLessThanOrEqual(0.25);
    expect(new Set(params.bias!.data).size).toBe(3);
  });

  it('count the fans of a transposed convolution as those of the convolution it transposes', () => {
    const { params } = convTranspose2d(16, 3, { init: heUniform }).init(key, [4, 4, 100]);
    const limit = Math.sqrt((3 * 2) / (9 * 16));
    expect(Math.max(...params.kernel.abs().data) / limit).toBeCloseTo(1, 2);
  });

  it('identity passes its input on', () => {
    const x = autodiffNormal(key, [2, 5, 4, 3]);
    const same = (layer: Layer): Tensor => {
      const { params, state } = layer.init(key, x.shape.slice(1));
      return layer.apply(params, state, x, { training: false, key, weights: ones(key, [2]) })[0];
    };
    const init = identity;
    for (const layer of [dense(3, { init }), conv2d(3, 3, { init }), conv2d(3, [5, 1], { init })])
      expect(same(layer as unknown as Layer).data).toEqual(x.data);
    expect(identity(key, [2, 3]).toArray()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ]);
  });

  it('truncatedNormal stays within its bounds', () => {
    const values = truncatedNormal(0.5)(key, [5000]);
    expect(Math.max(...values.abs().data)).toBeLessThanOrEqual(1);
    // The variance of a standard normal truncated at ±2.
    expect(moments(values).variance).toBeCloseTo(0.25 * 0.7737413, 2);
    expect(Math.min(...truncatedNormal(1, { low: 0, high: 3 })(key, [100]).data)).toBeGreaterThanOrEqual(0);
  });

  it('fill and uniform', () => {
    expect(fill(2.5)(key, [2]).data).toEqual(Float32Array.of(2.5, 2.5));
    const values = uniform(-3, -1)(key, [1000]).data;
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-3);
    expect(Math.max(...values)).toBeLessThan(-1);
  });
});

describe('orthogonal', () => {
  it.each([[[7, 7]], [[9, 4]], [[4, 9]], [[3, 3, 2, 5]], [[1, 6]]])(
    '%j has orthogonal directions of the gain’s length',
    (shape) => {
      const kernel = orthogonal(2)(key, shape);
      expect([kernel.dtype, kernel.shape]).toEqual(['float32', shape]);
      const matrix = kernel.reshape([-1, shape.at(-1)!]).cast('float64');
      const [numIn, numOut] = matrix.shape as [number, number];
      const gram = matrix.matmul(matrix, numIn < numOut ? { transposeB: true } : { transposeA: true });
      const count = gram.shape[0]!;
      for (let i = 0; i < count; i++)
        for (let j = 0; j < count; j++) expect(gram.at(i, j).item()).toBeCloseTo(i === j ? 4 : 0, 5);
    },
  );

  it('has the same bits compiled, and others for another key', () => {
    const of = (from: Tensor): Tensor => orthogonal()(from, [6, 6]);
    const other = tensor(Uint32Array.of(5, 7));
    expect(jit(of)(key).data).toEqual(of(key).data);
    expect(of(other).data).not.toEqual(of(key).data);
  });

  it('prefers no direction: its elements have mean 0 and variance 1/n', () => {
    const draws = Array.from({ length: 60 }, (_, i) => orthogonal()(foldIn(key, i), [8, 8]));
    const { mean, variance } = moments(concatenate(draws));
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / 8 / (60 * 64)));
    expect(variance).toBeCloseTo(1 / 8, 3);
    // A fixed sign would prefer some directions: the first elements must have both signs.
    const signs = draws.map((x) => Math.sign(x.at(0, 0).item()));
    expect(Math.abs(signs.reduce((a, b) => a + b))).toBeLessThan(5 * Math.sqrt(60));
  });

  it('refuses shapes without directions', () => {
    expect(() => orthogonal()(key, [5])).toThrow(/orthogonal: a parameter of shape \[5\] has no directions/);
  });
});
