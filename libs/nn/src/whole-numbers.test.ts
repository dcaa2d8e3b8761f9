/** Layers, losses and metrics on whole numbers: they give the values for floats, or refuse the type. */

import { normal, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { describe, expect, it } from 'vitest';
import { type LayerCase, layerCases } from './fixtures/layers.ts';
import * as nn from './index.ts';
import { asLayer } from './layer.ts';
import type { Loss } from './loss.ts';

const key = tensor(Uint32Array.of(3, 5));
const types = ['int32', 'uint32', 'bool'] as const;

/** The values of `f`, or an error that suggests a cast. */
function valuesOf(f: (x: Tensor) => Tensor, x: Tensor): number[] | undefined {
  try {
    return [...f(x).data];
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'dtype') throw error;
    expect(error.message).toMatch(/\.cast\('float(32|64)'\)/);
    return undefined;
  }
}

function agrees(f: (x: Tensor) => Tensor, x: Tensor): void {
  for (const dtype of types) {
    const whole = dtype === 'int32' ? x.cast(dtype) : x.abs().cast(dtype);
    const found = valuesOf(f, whole);
    if (found !== undefined) expect(found, dtype).toEqual(valuesOf(f, whole.cast('float32')));
  }
}

describe('every layer', () => {
  it.each(layerCases.map((given): [string, LayerCase] => [given.name, given]))(
    '%s: is right about whole numbers or refuses them',
    (_name, { layer: item, input }) => {
      const layer = asLayer(item);
      const { params, state } = layer.init(key, input);
      for (const training of [true, false]) {
        const context = { training, key, weights: ones([2]) };
        const apply = (x: Tensor): Tensor => layer.apply(params, state, x, context)[0];
        agrees(apply, normal(key, [2, ...input]).mul(2));
      }
    },
  );
});

const binary = tensor([
  [1, 0, 1],
  [0, 1, 1],
]);
const losses: Readonly<Record<string, [Loss, Tensor]>> = {
  meanSquaredError: [
    nn.meanSquaredError(),
    tensor([
      [0.5, 1.5, 2],
      [0.25, 1, 3],
    ]),
  ],
  meanAbsoluteError: [
    nn.meanAbsoluteError(),
    tensor([
      [0.5, 1.5, 2],
      [0.25, 1, 3],
    ]),
  ],
  huber: [
    nn.huber(),
    tensor([
      [0.5, 1.5, 2],
      [0.25, 1, 3],
    ]),
  ],
  smoothL1: [
    nn.smoothL1(),
    tensor([
      [0.5, 1.5, 2],
      [0.25, 1, 3],
    ]),
  ],
  binaryCrossEntropy: [nn.binaryCrossEntropy(), binary],
  klDivergence: [
    nn.klDivergence(),
    tensor([
      [0.5, 0.25, 0.25],
      [0.1, 0.2, 0.7],
    ]),
  ],
  poisson: [nn.poissonNegativeLogLikelihood(), binary],
  hinge: [nn.hinge(), binary.mul(2).sub(1)],
  softMargin: [nn.softMargin(), binary.mul(2).sub(1)],
  softmaxCrossEntropy: [nn.softmaxCrossEntropy(), tensor([2, 0], { dtype: 'int32' })],
  focal: [nn.focal(), tensor([2, 0], { dtype: 'int32' })],
  negativeLogLikelihood: [nn.negativeLogLikelihood(), tensor([2, 0], { dtype: 'int32' })],
  multiMargin: [nn.multiMargin(), tensor([2, 0], { dtype: 'int32' })],
  accuracy: [nn.accuracy, tensor([2, 0], { dtype: 'int32' })],
  topKAccuracy: [nn.topKAccuracy(2), tensor([2, 0], { dtype: 'int32' })],
  binaryAccuracy: [nn.binaryAccuracy, binary],
};

it.each(Object.keys(losses))('%s of whole predictions is correct or refused', (name) => {
  const [loss, target] = losses[name]!;
  const float = target.dtype === 'float64' ? target.cast('float32') : target;
  agrees((x) => loss(x, float).cast('float32'), normal(key, [2, 3]).mul(3));
});

it('accepts whole targets, which take the type of the predictions', () => {
  const predictions = tensor([
    [0.5, 1],
    [2, 0],
  ]);
  const targets = tensor(
    [
      [1, 1],
      [0, 1],
    ],
    { dtype: 'int32' },
  );
  expect(nn.meanSquaredError()(predictions, targets).toArray()).toEqual([0.125, 2.5]);
  expect(() => nn.meanSquaredError()(targets, predictions)).toThrow(
    "meanSquaredError: predictions are float32 or float64, not int32; convert with .cast('float32')",
  );
});
