import { checkGrads, grad, ones, type Tensor, tensor, zeros } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { embedding } from './embedding.ts';
import { heNormal, normal, xavierUniform } from './initializers.ts';
import { positionalEmbedding, sinusoidalPositions } from './position.ts';

const key = tensor(Uint32Array.of(3, 5));
const contextFor = (rows: number) => ({ training: true, key, weights: ones([rows]) });

describe('embedding', () => {
  it('gives each token its row', () => {
    const layer = embedding(10, 4);
    const { params, state, output } = layer.init(key, [3]);
    const tokens = tensor([[1, 2, 1]], { dtype: 'int32' });
    const [y] = layer.apply(params, state, tokens, contextFor(1));
    expect([output, y.shape]).toEqual([
      [3, 4],
      [1, 3, 4],
    ]);
    expect(y.at(0, 0).toArray()).toEqual(params.table.at(1).toArray());
  });

  it('has correct derivatives, also for repeated tokens', () => {
    const layer = embedding(6, 3);
    const tokens = tensor([5, 1, 1, 0], { dtype: 'int32', shape: [2, 2] });
    const f = (table: Tensor): Tensor => layer.apply({ table }, {}, tokens, contextFor(2))[0].square();
    checkGrads(f, [layer.init(key, [2]).params.table.cast('float64')]);
  });
});

describe('embedding with padding', () => {
  it('does not train its row', () => {
    const layer = embedding(4, 2, { paddingIndex: 3 });
    const tokens = tensor([[3, 1, 3, 0]], { dtype: 'int32' });
    const table = normal(1)(key, [4, 2]);
    const loss = (t: Tensor): Tensor => layer.apply({ table: t }, {}, tokens, contextFor(1))[0].sum();
    const [plain] = embedding(4, 2).apply({ table }, {}, tokens, contextFor(1));
    expect(loss(table).item()).toBe(plain.sum().item());
    expect(grad(loss)(table).toArray()).toEqual([
      [1, 1],
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  it('starts at 0 in its row and changes no other row', () => {
    const { table } = embedding(4, 2, { paddingIndex: 2 }).init(key, [4]).params;
    const plain = embedding(4, 2).init(key, [4]).params.table.toArray() as number[][];
    expect(table.toArray()).toEqual([plain[0], plain[1], [0, 0], plain[3]]);
  });

  it('counts fans as PyTorch does for a table: width in, rows out', () => {
    // torch.nn.init._calculate_fan_in_and_fan_out of [1000, 8] is (8, 1000).
    const { table } = embedding(1000, 8, { init: xavierUniform }).init(key, [1]).params;
    expect(Math.max(...table.abs().data) / Math.sqrt(6 / 1008)).toBeCloseTo(1, 2);
    for (const drawn of [
      embedding(1000, 8, { init: heNormal }).init(key, [1]).params.table,
      positionalEmbedding(1000, { init: heNormal }).init(key, [4, 8]).params.table,
    ]) {
      expect(drawn.square().mean().item()).toBeCloseTo(2 / 8, 2);
    }
  });

  it('refuses tokens outside its table if they have values', () => {
    const layer = embedding(4, 2);
    const { params, state } = layer.init(key, [1]);
    const at = (token: number) =>
      layer.apply(params, state, tensor([[token]], { dtype: 'int32' }), contextFor(1));
    expect(() => at(4)).toThrow(
      'embedding: token 4, number 0 of 1, has no row in the table of 4, numbered from 0 to 3; token 4 needs at least 5',
    );
    expect(() => at(-1)).toThrow(/tokens are numbered from 0/);
    expect(at(3)[0].shape).toEqual([1, 1, 2]);
  });

  it('refuses a paddingIndex that is no token', () => {
    expect(() => embedding(4, 2, { paddingIndex: 4 })).toThrow(
      /paddingIndex is 4; it is one of the 4 tokens, from 0 to 3/,
    );
  });
});

describe('positions', () => {
  it('are the sines and cosines of Vaswani et al.', () => {
    const width = 5;
    const [y] = sinusoidalPositions().apply({}, {}, zeros([1, 2000, width], 'float64'), contextFor(1));
    for (const t of [0, 1, 7, 1999]) {
      for (let feature = 0; feature < width; feature++) {
        const angle = t / 10000 ** ((feature - (feature % 2)) / width);
        const expected = feature % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
        expect(y.at(0, t, feature).item()).toBeCloseTo(expected, 11);
      }
    }
  });

  it('from a table are added to each row', () => {
    const layer = positionalEmbedding(4);
    const { params, state } = layer.init(key, [3, 2]);
    const [y] = layer.apply(params, state, ones([2, 3, 2]), contextFor(2));
    for (const row of [0, 1])
      expect(y.at(row).toArray()).toEqual(params.table.slice([0], [3]).add(1).toArray());
  });

  it('are refused beyond the table and for rows that are no sequences', () => {
    expect(() => positionalEmbedding(4).init(key, [5, 2])).toThrow(
      /a sequence of 5 has places that the table of 4 lacks; make it longer/,
    );
    expect(() => sinusoidalPositions().init(key, [5])).toThrow(/takes sequences \[time, features\]/);
  });
});
