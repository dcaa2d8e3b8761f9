/** Errors of layers for shapes and options that they cannot take. */
import { normal, tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import * as nn from './index.ts';
import { asLayer, type LayerLike } from './layer.ts';

const key = tensor(Uint32Array.of(1, 2));

describe('errors of a layer say what came, what it expects and what to do', () => {
  const rows: readonly (readonly [string, LayerLike, readonly number[], string])[] = [
    [
      'conv1d',
      nn.conv1d(3, 3),
      [8],
      'conv1d: takes sequences [time, features], not rows of shape [8]; reshape',
    ],
    [
      'conv2d',
      nn.conv2d(3, 3),
      [8, 2],
      'conv2d: takes images [height, width, channels], not rows of shape [8, 2]',
    ],
    [
      'conv2d',
      nn.conv2d(4, 3, { groups: 3 }),
      [8, 8, 6],
      '3 groups must divide the channels of input and output, 6 and 4',
    ],
    [
      'convTranspose2d',
      nn.convTranspose2d(4, 3, { groups: 3 }),
      [8, 8, 6],
      'convTranspose2d: 3 groups must divide',
    ],
    [
      'conv2d',
      nn.conv2d(4, 5, { padding: 'valid' }),
      [3, 3, 1],
      "a 5×5 kernel does not fit images of 3×3; use padding 'same'",
    ],
    [
      'layerNorm',
      nn.layerNorm({ axes: 3 }),
      [4, 6],
      'layerNorm: normalises the last 3 axes, but a row has the shape [4, 6]',
    ],
    ['rmsNorm', nn.rmsNorm(), [], 'rmsNorm: normalises the last axis, but a row has the shape []'],
    [
      'groupNorm',
      nn.groupNorm(4),
      [8, 8, 6],
      'groupNorm: 6 channels do not form 4 equal groups; choose a divisor of 6',
    ],
    [
      'instanceNorm',
      nn.instanceNorm(),
      [6],
      'instanceNorm: takes rows with places and channels [.., C], not [6]',
    ],
    [
      'prelu',
      nn.prelu({ perChannel: true }),
      [],
      'prelu: single numbers have no channels; leave perChannel out',
    ],
    ['maxPool1d', nn.maxPool1d(2), [4, 4, 2], 'maxPool1d: takes sequences [B, L, C], not [rows, 4, 4, 2]'],
    ['unflatten', nn.unflatten(2, 4), [6], 'reshape'],
    ['a function', (x) => x.mean(0), [6], 'a layer must keep the batch axis in front'],
  ];

  it.each(rows)('for rows: %s', (_name, layer, input, message) => {
    expect(() => asLayer(layer).init(key, input)).toThrow(LockstepError);
    expect(() => asLayer(layer).init(key, input)).toThrow(message);
  });

  const options: readonly (readonly [string, () => unknown, string])[] = [
    ['conv1d', () => nn.conv1d(0, 3), 'conv1d: channels is 0; it must be a whole number ≥ 1'],
    [
      'depthwiseConv2d',
      () => nn.depthwiseConv2d(3, { multiplier: 1.5 }),
      'depthwiseConv2d: multiplier is 1.5',
    ],
    ['convTranspose1d', () => nn.convTranspose1d(3, 0), 'convTranspose1d: kernelSize is 0'],
    ['layerNorm', () => nn.layerNorm({ axes: 0 }), 'layerNorm: axes is 0'],
    ['groupNorm', () => nn.groupNorm(0), 'groupNorm: groups is 0'],
    [
      'spatialDropout',
      () => nn.spatialDropout(1),
      'spatialDropout: the rate is 1; it is the part that is dropped',
    ],
    ['embedding', () => nn.embedding(0, 3), 'embedding: rows is 0'],
    ['positionalEmbedding', () => nn.positionalEmbedding(-1), 'positionalEmbedding: length is -1'],
    ['upsample', () => nn.upsample(0.5), 'upsample: factor is 0.5; it must be a whole number ≥ 1'],
    ['transformerBlock', () => nn.transformerBlock(6, 4), 'a width of 6 does not divide among 4 heads'],
    [
      'transformerBlock',
      () => nn.transformerBlock(6, 2, { hidden: 0 }),
      'hidden is 0; it must be a whole number ≥ 1',
    ],
    ['multiHeadAttention', () => nn.multiHeadAttention(6, 2, { memoryFeatures: 0 }), 'memoryFeatures is 0'],
  ];

  it.each(options)('for options: %s', (_name, make, message) => {
    expect(make).toThrow(LockstepError);
    expect(make).toThrow(message);
  });

  it('for rows of another shape than init got', () => {
    const layer = nn.positionalEmbedding(4);
    const { params, state } = layer.init(key, [4, 2]);
    const context = { training: true, key, weights: normal(key, [1]) };
    expect(() => layer.apply(params, state, normal(key, [1, 6, 2]), context)).toThrow(
      /a sequence of 6 has places/,
    );
  });
});
