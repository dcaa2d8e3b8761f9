import { grad, jit, normal, ones, type Tensor, tensor, where } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { attention, multiHeadAttention } from './attention.ts';

const key = tensor(Uint32Array.of(3, 5));
const [q, k, v] = [1, 2, 3].map((seed) => normal(tensor(Uint32Array.of(seed, 0)), [2, 4, 3], 'float64')) as [
  Tensor,
  Tensor,
  Tensor,
];

describe('attention', () => {
  it('weighs values by how well queries fit keys', () => {
    const rows = attention(q, k, v).toArray() as number[][][];
    const [qs, ks, vs] = [q, k, v].map((x) => x.at(1).toArray() as number[][]) as [
      number[][],
      number[][],
      number[][],
    ];
    const scores = ks.map((own) =>
      Math.exp(own.reduce((sum, x, i) => sum + x * qs[2]![i]!, 0) / Math.sqrt(3)),
    );
    const total = scores.reduce((a, b) => a + b);
    for (const i of [0, 1, 2]) {
      const expected = vs.reduce((sum, own, place) => sum + (own[i]! * scores[place]!) / total, 0);
      expect(rows[1]![2]![i]).toBeCloseTo(expected, 13);
    }
  });

  it('reads no later place if it is causal', () => {
    const changed = where(tensor([0, 0, 1, 1]).cast('bool').reshape([4, 1]), k.mul(7), k);
    const before = attention(q, k, v, { causal: true });
    const after = attention(q, changed, v, { causal: true });
    expect(after.slice([0, 0], [2, 2]).data).toEqual(before.slice([0, 0], [2, 2]).data);
    expect(after.slice([0, 2], [2, 4]).data).not.toEqual(before.slice([0, 2], [2, 4]).data);
    expect(before.at(0, 0).toArray()).toEqual(v.at(0, 0).toArray());
  });

  it('gives 0, with finite derivatives, for a query that may read no key', () => {
    const mask = tensor([
      [true, true, true, true],
      [false, false, false, false],
      [true, false, false, false],
      [false, true, true, false],
    ]).cast('bool');
    const y = attention(q, k, v, { mask });
    expect(y.at(0, 1).toArray()).toEqual([0, 0, 0]);
    expect(y.at(1, 2).toArray()).toEqual(v.at(1, 0).toArray());
    const slopes = grad((x: Tensor) => attention(x, k, v, { mask }).square().sum())(q);
    expect([...slopes.data].every(Number.isFinite)).toBe(true);
    expect(slopes.at(0, 1).toArray()).toEqual([0, 0, 0]);
  });

  it('refuses shapes that do not fit', () => {
    expect(() => attention(q, k.slice([0, 0, 0], [2, 4, 2]), v)).toThrow(
      /queries \[\.\., queries, d\].*not \[2, 4, 3\], \[2, 4, 2\], \[2, 4, 3\]/,
    );
    const some = k.slice([0], [2, 3]);
    expect(() => attention(q, some, v.slice([0], [2, 3]), { causal: true })).toThrow(
      /causal needs as many queries as keys, not 4 and 3; say with a mask/,
    );
  });
});

describe('multiHeadAttention', () => {
  const layer = multiHeadAttention(4, 2, { dropout: 0.5 });
  const { params } = layer.init(key, [4, 3]);
  const x = q.cast('float32');

  it('reads from a memory of another length and width', () => {
    const across = multiHeadAttention(4, 2, { memoryFeatures: 5 });
    const own = across.init(key, [4, 3]).params;
    const y = across.attend(own, x, { memory: normal(key, [2, 7, 5]), mask: ones([2, 7]).cast('bool') });
    expect(y.shape).toEqual([2, 4, 4]);
  });

  it('drops weights by its key, in training only', () => {
    const context = { training: true, key, weights: ones([2]) };
    const [dropped] = layer.apply(params, {}, x, context);
    expect(dropped.data).not.toEqual(layer.attend(params, x).data);
    expect(jit((from: Tensor) => layer.attend(params, x, { training: true, key: from }))(key).data).toEqual(
      dropped.data,
    );
    expect(layer.apply(params, {}, x, { ...context, training: false })[0].data).toEqual(
      layer.attend(params, x).data,
    );
  });

  it('explains wrong widths, masks and rows', () => {
    expect(() => multiHeadAttention(6, 4)).toThrow(/a width of 6 does not divide among 4 heads/);
    expect(() => layer.attend(params, x, { mask: ones([2, 4]) })).toThrow(
      /takes a mask bool\[2, 4\] or bool\[2, 4, 4\], true where a key may be read, not float32\[2, 4\]/,
    );
    expect(() => layer.init(key, [4])).toThrow(/multiHeadAttention: takes sequences \[time, features\]/);
  });
});
