/** The fans of every layer's kernels equal those that PyTorch computes from its own layout of the weight. */
import { keyTensor, zeros } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { type Fans, fansOf, type Initializer } from './fans.ts';
import * as nn from './index.ts';

/** torch.nn.init._calculate_fan_in_and_fan_out: weight [out, in, ..places]. */
function fansOfTorch([first, second, ...places]: readonly number[]): Fans {
  const size = places.reduce((product, length) => product * length, 1);
  return { fanIn: second! * size, fanOut: first! * size };
}

/** The shape that the layer passes to its initialiser. */
function seenBy(make: (init: Initializer) => nn.Layer, input: readonly number[]): Fans[] {
  const seen: Fans[] = [];
  make((_key, shape, fans = shape) => {
    if (shape.length >= 2) seen.push(fansOf(fans));
    return zeros(shape);
  }).init(keyTensor(1), input);
  return seen;
}

// biome-ignore lint/suspicious/noExplicitAny: layers of any parameters
type Make = (init: Initializer) => any;
const cases: readonly (readonly [string, Make, readonly number[], readonly (readonly number[])[]])[] = [
  ['dense', (init) => nn.dense(5, { init }), [7], [[5, 7]]],
  ['conv1d', (init) => nn.conv1d(6, 3, { init, groups: 2 }), [9, 4], [[6, 2, 3]]],
  ['conv2d', (init) => nn.conv2d(6, [3, 2], { init }), [9, 9, 4], [[6, 4, 3, 2]]],
  ['conv2d, groups', (init) => nn.conv2d(6, 3, { init, groups: 2 }), [9, 9, 4], [[6, 2, 3, 3]]],
  ['depthwiseConv2d', (init) => nn.depthwiseConv2d(3, { init, multiplier: 2 }), [9, 9, 4], [[8, 1, 3, 3]]],
  // PyTorch keeps transposed kernels as [in, out/groups, ..places], and counts the first axis as outputs.
  ['convTranspose1d', (init) => nn.convTranspose1d(6, 3, { init }), [9, 4], [[4, 6, 3]]],
  ['convTranspose2d', (init) => nn.convTranspose2d(6, 3, { init, groups: 2 }), [9, 9, 4], [[4, 3, 3, 3]]],
  ['embedding', (init) => nn.embedding(100, 8, { init }), [3], [[100, 8]]],
  ['embedding with padding', (init) => nn.embedding(100, 8, { init, paddingIndex: 0 }), [3], [[100, 8]]],
  ['positionalEmbedding', (init) => nn.positionalEmbedding(20, { init }), [10, 8], [[20, 8]]],
  [
    'rnn',
    (init) => nn.rnn(5, { init, bias: false }),
    [4, 3],
    [
      [5, 3],
      [5, 5],
    ],
  ],
  [
    'lstm',
    (init) => nn.lstm(5, { init, bias: false }),
    [4, 3],
    [
      [20, 3],
      [20, 5],
    ],
  ],
  [
    'gru',
    (init) => nn.gru(5, { init, bias: false }),
    [4, 3],
    [
      [15, 3],
      [15, 5],
    ],
  ],
  // Each projection by itself, as PyTorch does with kdim and vdim.
  [
    'multiHeadAttention',
    (init) => nn.multiHeadAttention(6, 2, { init, memoryFeatures: 4 }),
    [5, 6],
    [
      [6, 6],
      [6, 4],
      [6, 4],
      [6, 6],
    ],
  ],
];

describe('fans', () => {
  it.each(cases)('of %s', (_name, make, input, weights) => {
    expect(seenBy(make, input)).toEqual(weights.map(fansOfTorch));
  });
});
