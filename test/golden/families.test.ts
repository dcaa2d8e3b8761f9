/** A small network of each family has PyTorch's losses and parameters over 50 steps of SGD with momentum, in float64. */
import { globalAvgPool, relu, silu, type Tensor } from '@lockstep/autodiff';
import {
  batchNorm,
  conv1d,
  conv2d,
  convTranspose2d,
  dense,
  depthwiseConv2d,
  flatten,
  groupNorm,
  gru,
  type Layer,
  layerNorm,
  lstm,
  maxPool1d,
  meanSquaredError,
  positionalEmbedding,
  residual,
  residualWith,
  rmsNorm,
  sequential,
  softmaxCrossEntropy,
  type TensorTree,
  tanh,
  transformerBlock,
  unflatten as unflattenRows,
} from '@lockstep/nn';
import * as tree from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { castTree, distance, readReference } from './reference.ts';
import { expectSteps, key, training } from './training.ts';

const reference = readReference('families');
const numClasses = 3;
const padded = { padding: 1 };

const families = {
  conv1d: sequential(
    conv1d(4, 3),
    relu,
    maxPool1d(2),
    conv1d(6, 3, { dilation: 2 }),
    relu,
    globalAvgPool,
    dense(numClasses),
  ),
  depthwise: sequential(
    conv2d(4, 3),
    relu,
    depthwiseConv2d(3),
    conv2d(6, 1),
    relu,
    depthwiseConv2d(3, { stride: 2, ...padded }),
    conv2d(8, 1),
    relu,
    globalAvgPool,
    dense(numClasses),
  ),
  transformer: sequential(
    dense(4),
    positionalEmbedding(8),
    transformerBlock(4, 2, { hidden: 8, causal: true }),
    layerNorm(),
    globalAvgPool,
    dense(numClasses),
  ),
  lstm: sequential(lstm(5, { output: 'last' }), dense(numClasses)),
  gru: sequential(gru(5, { output: 'last' }), dense(numClasses)),
  autoencoder: sequential(
    conv2d(4, 3, { stride: 2, ...padded }),
    relu,
    flatten,
    dense(6),
    tanh,
    dense(36),
    relu,
    unflattenRows(3, 3, 4),
    convTranspose2d(2, 3, { stride: 2, ...padded, outputPadding: 1 }),
  ),
  norms: sequential(
    conv2d(4, 3, { bias: false }),
    groupNorm(2),
    relu,
    flatten,
    dense(8),
    layerNorm(),
    silu,
    dense(8),
    rmsNorm(),
    dense(numClasses),
  ),
  residual: sequential(
    conv2d(4, 3),
    residual(conv2d(4, 3, { bias: false }), batchNorm(), relu, conv2d(4, 3)),
    residualWith(conv2d(6, 1, { stride: 2 }), relu, conv2d(6, 3, { stride: 2, ...padded })),
    globalAvgPool,
    dense(numClasses),
  ),
} as const;

/** The parameters of the file in the structure of the model's parameters. */
function paramsAt(name: string, when: string, like: TensorTree): TensorTree {
  const values = tree.leafPaths(like).map((path) => reference(`${name}/params/${path}/${when}`));
  return tree.unflatten(tree.flatten(like).structure, values) as TensorTree;
}

describe('families of networks, 50 steps', () => {
  it.each(Object.keys(families))('%s', (name) => {
    const model = families[name as keyof typeof families] as unknown as Layer;
    const xs = reference(`${name}/x`).cast('float64');
    const [numBatches, _, ...shape] = xs.shape as [number, number, ...number[]];
    const initial = model.init(key, shape);
    const state = castTree(initial.state, 'float64');
    const [crossEntropy, squared] = [softmaxCrossEntropy(), meanSquaredError()];
    const lossOf = (params: TensorTree, x: Tensor, y: Tensor): Tensor => {
      const [output] = model.apply(params, state, x, training(x));
      const values = output.rank === x.rank ? squared(output, x) : crossEntropy(output, y);
      return values.mean();
    };
    const params = expectSteps({
      lossOf,
      initial: paramsAt(name, 'initial', initial.params),
      losses: reference(`${name}/loss`),
      rate: 0.05,
      batch: (step) => [xs.at(step % numBatches), reference('y').at(step % numBatches)],
    });
    expect(distance(params, paramsAt(name, 'final', params))).toBeLessThan(1e-9);
  });
});
