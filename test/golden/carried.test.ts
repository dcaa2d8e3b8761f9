/** With parameters imported from PyTorch's modules, layers give PyTorch's outputs. */
import { ones, relu, type Tensor, tensor, zeros } from '@lockstep/autodiff';
import {
  batchNorm,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  dense,
  flatten,
  fromTorch,
  groupNorm,
  gru,
  type Layer,
  lstm,
  multiHeadAttention,
  rnn,
  type StateDict,
  sequential,
  transformerBlock,
} from '@lockstep/nn';
import { describe, expect, it } from 'vitest';
import { distance, readReference } from './reference.ts';

const reference = readReference('carried');

/** Tensors below a name in the file, by the rest of their names. */
function stateOf(module: string): StateDict {
  const own = reference.names.filter((name) => name.startsWith(`${module}/`));
  return Object.fromEntries(own.map((name) => [name.slice(module.length + 1), reference(name)]));
}

function expectReference<P, S>(
  module: string,
  layer: Layer<P, S>,
  params: P,
  state: S,
  channelsFirst = false,
): void {
  const rows = reference(`${module}/x`);
  const channelsLast = (x: Tensor): Tensor =>
    channelsFirst && x.rank > 2 ? x.transpose([0, ...x.shape.slice(2).map((_, i) => i + 2), 1]) : x;
  const x = channelsLast(rows);
  const context = { training: false, key: zeros([2], 'uint32'), weights: ones([x.shape[0]!]) };
  const [y] = layer.apply(params, state, x, context);
  expect(distance(y, channelsLast(reference(`${module}/output`)))).toBeLessThan(1e-12);
}

describe('what PyTorch trained', () => {
  it('of images: convolutions, norms, and a linear layer after a flatten', () => {
    const own = stateOf('images');
    const norm = fromTorch.batchNorm(own, '1');
    const model = sequential(
      conv2d(4, 3, { bias: false }),
      batchNorm(),
      relu,
      convTranspose2d(3, 3, { stride: 2, padding: 1, outputPadding: 1 }),
      groupNorm(3),
      flatten,
      dense(5),
    );
    const params = [
      fromTorch.conv2d(own, '0'),
      norm.params,
      {},
      fromTorch.convTranspose2d(own, '3'),
      fromTorch.norm(own, '4'),
      {},
      fromTorch.linear(own, '6', [3, 8, 6]),
    ] as const;
    expectReference('images', model, params, [{}, norm.state, {}, {}, {}, {}, {}], true);
  });

  it('of sequences: convolutions', () => {
    const own = stateOf('sequences');
    const model = sequential(conv1d(4, 3), convTranspose1d(2, 2, { stride: 2 }));
    const params = [fromTorch.conv1d(own, '0'), fromTorch.convTranspose1d(own, '1')] as const;
    expectReference('sequences', model, params, [{}, {}], true);
  });

  it('of sequences: recurrent layers', () => {
    const both = { layers: 2, bidirectional: true };
    for (const [name, layer] of [
      ['rnn', rnn(4, { bias: false })],
      ['lstm', lstm(4, both)],
      ['gru', gru(4)],
    ] as const)
      expectReference(name, layer, fromTorch.recurrent(stateOf(name), 'inner'), {});
  });

  it('of sequences: attention', () => {
    const layer = multiHeadAttention(4, 2);
    expectReference('attention', layer, fromTorch.attention(stateOf('attention'), 'inner'), {});
    const across = multiHeadAttention(4, 2, { memoryFeatures: 3 });
    const own = stateOf('crossAttention');
    const read = across.attend(fromTorch.attention(own, 'inner'), own.x!, { memory: own.memory! });
    expect(distance(read, own.output!)).toBeLessThan(1e-12);
    const block = transformerBlock(4, 2, { hidden: 8 });
    const { state } = block.init(tensor(Uint32Array.of(1, 2)), [5, 4]);
    expectReference('block', block, fromTorch.encoderLayer(stateOf('block'), ''), state);
  });

  it('is refused where it does not fit', () => {
    const own = stateOf('images');
    expect(() => fromTorch.conv2d(own, '7')).toThrow(
      /the state dict has no '7\.weight'; below '7\.' it has nothing/,
    );
    expect(() => fromTorch.linear(own, '0')).toThrow(
      /'0\.weight' has the shape \[4, 2, 3, 3\], not 2 axes; is the module of another kind\?/,
    );
    expect(() => fromTorch.linear(own, '6', [3, 6, 9])).toThrow(
      /images of shape \[3, 6, 9\] do not flatten to the 144 inputs of '6'; give \[C, H, W\]/,
    );
  });
});
