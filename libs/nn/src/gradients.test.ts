import { checkGrads, normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { flatten as flattenTree, map, unflatten } from '@lockstep/tree';
import { describe, it } from 'vitest';
import { batchNorm } from './batch-norm.ts';
import { conv2d } from './convolution.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { embedding } from './embedding.ts';
import type { Layer, TensorTree } from './layer.ts';
import { asLayer, type LayerLike } from './layer.ts';
import { avgPool, globalAvgPool, maxPool } from './pooling.ts';
import { sequential } from './sequential.ts';
import { flatten } from './shape.ts';

const key = tensor(Uint32Array.of(3, 5));
const tanh = (x: Tensor): Tensor => x.tanh();

/** A layer's output as a function of the leaves of its parameters, and those leaves in float64. */
function byParams(layer: Layer, input: readonly number[], rows: number, training: boolean) {
  const { params, state } = layer.init(key, input);
  const double = (tree: TensorTree): TensorTree => map((leaf: Tensor) => leaf.cast('float64'), tree);
  const { leaves, structure } = flattenTree(double(params));
  const context = { training, key, weights: ones([rows]) };
  const f = (x: Tensor, values: readonly Tensor[]): Tensor =>
    layer.apply(unflatten(structure, values), double(state), x, context)[0];
  return { f, leaves: leaves as Tensor[] };
}

describe('derivatives by rows and parameters are right to second order', () => {
  const images = [4, 4, 2];
  const cases: readonly (readonly [string, LayerLike, readonly number[]])[] = [
    ['dense', dense(3), [5]],
    ['conv2d', conv2d(3, 3), images],
    ['conv2d, stride 2, no bias', conv2d(2, [2, 3], { stride: 2, bias: false }), images],
    ['batchNorm', batchNorm(), images],
    ['dropout', dropout(0.4), [6]],
    ['maxPool', maxPool(2), images],
    ['avgPool', avgPool(2), images],
    ['globalAvgPool', globalAvgPool, images],
    ['flatten', flatten, images],
    ['a model', sequential(conv2d(2, 3), batchNorm(), tanh, flatten, dense(2)), images],
  ];

  it.each(cases)('%s', (_name, item, input) => {
    for (const training of [true, false]) {
      const { f, leaves } = byParams(asLayer(item), input, 3, training);
      const x = normal(key, [3, ...input], 'float64');
      checkGrads((rows: Tensor, ...values: Tensor[]) => f(rows, values), [x, ...leaves], { tolerance: 1e-5 });
    }
  });

  it('embedding', () => {
    const { f, leaves } = byParams(embedding(6, 3), [2], 2, true);
    const tokens = tensor([5, 1, 1, 0], { dtype: 'int32', shape: [2, 2] });
    checkGrads((...values: Tensor[]) => f(tokens, values).square(), leaves);
  });
});
