/** Properties of every layer: shapes, jit and vmap bit for bit, independent rows, derivatives. */
import { checkGrads, concatenate, jit, normal, ones, type Tensor, tensor, vmap } from '@lockstep/autodiff';
import { flatten, map, unflatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { type LayerCase, layerCases, otherExports, tokenLayers } from './fixtures/layers.ts';
import * as nn from './index.ts';
import { asLayer, type Context, type TensorTree } from './layer.ts';

const key = tensor(Uint32Array.of(3, 5));
const numRows = 3;
const contextFor = (rows: number, training = true): Context => ({ training, key, weights: ones([rows]) });
const shapesOf = (tree: TensorTree) => (flatten(tree).leaves as Tensor[]).map(({ shape }) => shape);
const bitsOf = (x: Tensor): Uint8Array =>
  new Uint8Array(x.data.buffer, x.data.byteOffset, x.data.byteLength).slice();

/** The layer of a case with initial parameters, and rows for it. */
function made({ layer: item, input }: LayerCase) {
  const layer = asLayer(item);
  const initial = layer.init(key, input);
  const rows = (count: number, seed = 7): Tensor =>
    normal(tensor(Uint32Array.of(seed, 1)), [count, ...input]);
  return { layer, ...initial, rows };
}

const named = layerCases.map((given) => [given.name, given] as const);

describe('every layer', () => {
  it('has a case in the table', () => {
    const known = new Set([...layerCases.map(({ name }) => name.split(/[ ,]/)[0]!), ...tokenLayers]);
    const others = new Set<string>(Object.values(otherExports).flat());
    const missing = Object.keys(nn).filter((name) => !known.has(name) && !others.has(name));
    expect(missing, 'give these a case in fixtures/layers.ts, or name them there').toEqual([]);
  });

  it.each(named)('%s: makes rows of the declared shape, in training and evaluation', (_name, given) => {
    const { layer, params, state, output, rows } = made(given);
    expect(output).toEqual(given.output);
    for (const training of [true, false]) {
      const [y, next] = layer.apply(params, state, rows(2), contextFor(2, training));
      expect([y.dtype, y.shape]).toEqual(['float32', [2, ...given.output]]);
      expect(shapesOf(next)).toEqual(shapesOf(state));
    }
  });

  it.each(named)('%s: gives the same bits when compiled', (_name, given) => {
    const { layer, params, state, rows } = made(given);
    const apply = (p: TensorTree, x: Tensor): Tensor => layer.apply(p, state, x, contextFor(numRows))[0];
    expect(bitsOf(jit(apply)(params, rows(numRows)))).toEqual(bitsOf(apply(params, rows(numRows))));
  });

  it.each(named)('%s: gives the same bits for a block of shards as for single shards', (_name, given) => {
    const { layer, params, state, rows } = made(given);
    const apply = (x: Tensor, own: Tensor): Tensor =>
      layer.apply(params, state, x, { ...contextFor(numRows), key: own })[0];
    const shards = [rows(numRows, 1), rows(numRows, 2)];
    const keys = [tensor(Uint32Array.of(1, 1)), tensor(Uint32Array.of(2, 2))];
    const together = vmap(apply)(
      concatenate(shards.map((x) => x.reshape([1, ...x.shape]))),
      concatenate(keys.map((own) => own.reshape([1, 2]))),
    );
    for (const [i, x] of shards.entries()) expect(bitsOf(together.at(i))).toEqual(bitsOf(apply(x, keys[i]!)));
  });

  const rowByRow = named.filter(([name]) => !/^(batchNorm|sequential)/.test(name));
  it.each(rowByRow)('%s: gives a row bits that do not depend on other rows', (_name, given) => {
    const { layer, params, state, rows } = made(given);
    const first = rows(1);
    const firstOf = (x: Tensor): Uint8Array =>
      bitsOf(layer.apply(params, state, x, contextFor(x.shape[0]!))[0].slice([0], [1]));
    const alone = firstOf(first);
    expect(firstOf(concatenate([first, rows(2, 8)]))).toEqual(alone);
    expect(firstOf(concatenate([first, rows(4, 9)]))).toEqual(alone);
  });

  it.each(named)('%s: has correct derivatives by rows and parameters, to second order', (_name, given) => {
    const { layer, params, state, rows } = made(given);
    const double = (tree: TensorTree): TensorTree => map((leaf: Tensor) => leaf.cast('float64'), tree);
    const { leaves, structure } = flatten(double(params));
    const modes = /^(batchNorm|dropout|spatialDropout)/.test(given.name) ? [true, false] : [true];
    for (const training of modes) {
      const f = (x: Tensor, ...values: Tensor[]): Tensor =>
        layer.apply(unflatten(structure, values), double(state), x, contextFor(2, training))[0];
      // Random rows meet no kink or tie. Frozen parameters have derivative 0, which finite differences would
      // contradict.
      const free = given.name === 'frozen' ? [] : (leaves as Tensor[]);
      const all = (x: Tensor, ...values: Tensor[]): Tensor =>
        given.name === 'frozen' ? f(x, ...(leaves as Tensor[])) : f(x, ...values);
      checkGrads(all, [rows(2).cast('float64'), ...free], { tolerance: 1e-5 });
    }
  });
});
