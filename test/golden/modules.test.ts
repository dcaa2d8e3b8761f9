/** Every layer that PyTorch has too, against it in float64: values, and gradients of rows and parameters. */
import {
  celu,
  elu,
  gelu,
  glu,
  grad,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  ones,
  relu,
  relu6,
  selu,
  silu,
  softmax,
  softplus,
  softsign,
  type Tensor,
  zeros,
} from '@lockstep/autodiff';
import {
  adaptiveAvgPool,
  adaptiveAvgPool1d,
  adaptiveMaxPool,
  asLayer,
  avgPool,
  avgPool1d,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  dense,
  depthwiseConv2d,
  groupNorm,
  gru,
  instanceNorm,
  type Layer,
  type LayerLike,
  layerNorm,
  lstm,
  maxPool,
  maxPool1d,
  multiHeadAttention,
  prelu,
  rmsNorm,
  rnn,
  transformerBlock,
  upsample,
} from '@lockstep/nn';
import { flatten, leafPaths, unflatten } from '@lockstep/tree';
import { describe, expect, it } from 'vitest';
import { distance, readReference } from './reference.ts';

const reference = readReference('modules');
const key = zeros([2], 'uint32');

/** Functions that serve as layers as they are. */
const activations = {
  ...{ relu, relu6, leakyRelu, elu, selu, celu, gelu, silu, mish, softplus, softsign },
  ...{ hardTanh, hardSigmoid, hardSwish, logSigmoid, glu, softmax, logSoftmax },
};
const pool = { stride: 2, padding: 1 };
const spread = { stride: 2, padding: 1, outputPadding: 1 };
const stacked = { layers: 2, bidirectional: true } as const;

/** Every layer of the file, but for those that take more than rows. */
const layers: Readonly<Record<string, LayerLike>> = {
  conv1d: conv1d(5, 3, { padding: 1 }),
  'conv1d/stride2dilation2': conv1d(5, 2, { stride: 2, dilation: 2, padding: 'valid' }),
  'conv1d/groups2': conv1d(6, 3, { padding: 2, dilation: 2, groups: 2 }),
  'conv2d/dilation2': conv2d(3, [3, 2], { padding: 1, dilation: 2 }),
  'conv2d/groups2': conv2d(6, 3, { stride: 2, padding: 1, groups: 2 }),
  depthwise: depthwiseConv2d(3, { padding: 1 }),
  'depthwise/multiplier2': depthwiseConv2d(3, { multiplier: 2, stride: 2, padding: 'valid' }),
  convTranspose1d: convTranspose1d(5, 3, spread),
  'convTranspose1d/dilation2groups2': convTranspose1d(6, 3, { dilation: 2, groups: 2, padding: 2 }),
  convTranspose2d: convTranspose2d(3, 3, spread),
  'convTranspose2d/dilation2groups2': convTranspose2d(2, [2, 3], {
    dilation: 2,
    groups: 2,
    stride: 2,
    padding: 'valid',
  }),
  'maxPool/padding1': maxPool(3, pool),
  maxPool1d: maxPool1d(3, pool),
  'avgPool/padding1': avgPool(3, pool),
  'avgPool/withoutPadding': avgPool(3, { ...pool, countIncludePad: false }),
  avgPool1d: avgPool1d(2),
  adaptiveAvgPool: adaptiveAvgPool([3, 2]),
  adaptiveMaxPool: adaptiveMaxPool([3, 2]),
  adaptiveAvgPool1d: adaptiveAvgPool1d(4),
  prelu: prelu(),
  'prelu/perChannel': prelu({ perChannel: true }),
  upsample: upsample(2),
  dense: dense(3),
  layerNorm: layerNorm(),
  'layerNorm/axes2': layerNorm({ axes: 2 }),
  groupNorm: groupNorm(2),
  instanceNorm: instanceNorm(),
  'instanceNorm/affine': instanceNorm({ scale: true, shift: true }),
  rmsNorm: rmsNorm(),
  rnn: rnn(3),
  'rnn/unbiased': rnn(3, { bias: false }),
  'rnn/bidirectional2': rnn(3, stacked),
  'rnn/last': rnn(3, { ...stacked, output: 'last' }),
  'rnn/relu': rnn(3, { activation: 'relu' }),
  lstm: lstm(3),
  'lstm/unbiased': lstm(3, { bias: false }),
  'lstm/bidirectional2': lstm(3, stacked),
  'lstm/last': lstm(3, { ...stacked, output: 'last' }),
  gru: gru(3),
  'gru/unbiased': gru(3, { bias: false }),
  'gru/bidirectional2': gru(3, stacked),
  'gru/last': gru(3, { ...stacked, output: 'last' }),
  attention: multiHeadAttention(4, 2),
  'attention/causal': multiHeadAttention(4, 2, { causal: true }),
  transformerBlock: transformerBlock(4, 2, { hidden: 8 }),
  'transformerBlock/causal': transformerBlock(4, 2, { hidden: 8, causal: true }),
  ...Object.fromEntries(Object.entries(activations).map(([name, f]) => [`activation/${name}`, f])),
};

describe('layers are PyTorch’s', () => {
  it.each(Object.entries(layers))('%s', (name, item) => {
    const layer = asLayer(item);
    expectReference(name, layer, (params, x, state) => {
      const context = { training: true, key, weights: ones([x.shape[0]!]) };
      return layer.apply(params, state, x, context)[0];
    });
  });

  it('attention/mask', () => {
    const layer = multiHeadAttention(4, 2);
    const mask = reference('attention/allowed').cast('bool');
    expectReference('attention/mask', layer, (params, x) => layer.attend(params, x, { mask }));
  });

  it('attention/memory', () => {
    const layer = multiHeadAttention(4, 2);
    const memory = reference('attention/memory/params/memory');
    expectReference('attention/memory', layer, (params, x) => layer.attend(params, x, { memory }));
  });

  it('all that the file holds', () => {
    const held = reference.names.filter((name) => name.endsWith('/output')).map((name) => name.slice(0, -7));
    const others = ['attention/mask', 'attention/memory'];
    expect(held.sort()).toEqual([...Object.keys(layers), ...others].sort());
  });
});

/** `f` of a layer's parameters and rows gives the reference's output, and its gradients are the reference's too. */
function expectReference<P, S>(
  name: string,
  layer: Layer<P, S>,
  f: (params: P, x: Tensor, state: S) => Tensor,
): void {
  const of = (path: string): Tensor => reference(`${name}/${path}`);
  const x = of('x');
  const initial = layer.init(key, x.shape.slice(1));
  const paths = leafPaths(initial.params);
  const { leaves, structure } = flatten(initial.params);
  const params = paths.map((path) => of(`params/${path}`));
  expect(params.map(({ shape }) => shape)).toEqual((leaves as Tensor[]).map(({ shape }) => shape));
  const output = (rows: Tensor, ...values: Tensor[]): Tensor =>
    f(unflatten(structure, values) as P, rows, initial.state);
  const found = output(x, ...params);
  expect(found.shape.slice(1)).toEqual(initial.output);
  expect(distance(found, of('output'))).toBeLessThan(1e-12);
  const gradients = grad(
    (...all: Tensor[]) =>
      output(...(all as [Tensor]))
        .mul(of('upstream'))
        .sum(),
    [x, ...params].map((_, i) => i),
  )(x, ...params) as Tensor[];
  for (const [i, path] of ['x', ...paths.map((path) => `params/${path}`)].entries()) {
    expect(distance(gradients[i]!, of(`d${path}`)), `gradient of ${path}`).toBeLessThan(1e-12);
  }
}
