/** A NaN in the input reaches the output: no selection drops it, except where PyTorch gives a number too. */
import { grad, keyTensor, ones, stack, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { softmaxCrossEntropy } from './cross-entropy.ts';
import { dropout, spatialDropout } from './dropout.ts';
import type { Loss } from './loss.ts';
import * as losses from './losses.ts';
import * as margins from './margin-losses.ts';
import { accuracy, binaryAccuracy, topKAccuracy } from './metrics.ts';

const { NaN: nan, NEGATIVE_INFINITY: minusInfinity } = Number;
const labelsOf = (...labels: number[]): Tensor => tensor(labels, { dtype: 'int32' });

const ofNumbers: Record<string, Loss> = {
  meanSquaredError: losses.meanSquaredError(),
  meanAbsoluteError: losses.meanAbsoluteError(),
  huber: losses.huber(),
  smoothL1: losses.smoothL1(),
  binaryCrossEntropy: losses.binaryCrossEntropy(),
  'binaryCrossEntropy, weighted': losses.binaryCrossEntropy({ posWeight: 2 }),
  klDivergence: losses.klDivergence(),
  'klDivergence of logarithms': losses.klDivergence({ logTarget: true }),
  poissonNegativeLogLikelihood: losses.poissonNegativeLogLikelihood(),
  hinge: margins.hinge(),
  softMargin: margins.softMargin(),
  hingeEmbedding: margins.hingeEmbedding(),
  binaryAccuracy,
};

describe.each(Object.entries(ofNumbers))('%s', (_name, loss) => {
  it.each([-1, 0, 1])('is NaN for a prediction of NaN and a target of %i', (target) => {
    expect(loss(tensor([[0.5, nan]]), tensor([[0, target]])).item()).toBeNaN();
  });

  it('is NaN for a target of NaN', () => {
    expect(loss(tensor([[0.5, 0.5]]), tensor([[0, nan]])).item()).toBeNaN();
  });
});

const smooth = Object.entries(ofNumbers).filter(([name]) => !/hinge|Accuracy/.test(name));

it.each(smooth)('%s has derivative NaN for a target of NaN', (_name, loss) => {
  const target = tensor([nan]);
  expect(grad((x: Tensor) => loss(x, target).sum())(tensor([0.5])).item()).toBeNaN();
});

describe('klDivergence', () => {
  const loss = losses.klDivergence();
  it('adds 0 for a target of 0, even of an impossible class', () => {
    expect(loss(tensor([[minusInfinity, 0]]), tensor([[0, 1]])).item()).toBe(0);
    expect(grad((x: Tensor) => loss(x, tensor([[0, 1]])).sum())(tensor([[-3, 0]])).toArray()).toEqual([
      [-0, -1],
    ]);
  });

  it('accepts no negative number as a probability', () => {
    expect(loss(tensor([[0.5]]), tensor([[-1]])).item()).toBeNaN();
  });
});

describe('losses of pairs, triples and classes', () => {
  const pair = tensor([
    [
      [1, 2],
      [3, 1],
    ],
  ]);
  it.each([1, -1])('cosineEmbedding, target %i', (target) => {
    const loss = margins.cosineEmbedding();
    expect(loss(pair.mul(nan), tensor([target])).item()).toBeNaN();
    expect(loss(pair, tensor([nan])).item()).toBeNaN();
  });

  it('marginRanking, tripletMargin, gaussianNegativeLogLikelihood, cross-entropies', () => {
    const [a, b] = [tensor([nan]), tensor([1])];
    expect(
      margins
        .marginRanking()(stack([a, b], 1), b)
        .item(),
    ).toBeNaN();
    expect(
      margins
        .marginRanking()(stack([b, b], 1), a)
        .item(),
    ).toBeNaN();
    expect(
      margins
        .tripletMargin()(tensor([[[1], [2], [nan]]]), b)
        .item(),
    ).toBeNaN();
    const gaussian = losses.gaussianNegativeLogLikelihood();
    for (const parts of [
      [a, b],
      [b, a],
    ])
      expect(gaussian(stack(parts, 1), b).item()).toBeNaN();
    expect(gaussian(stack([b, b], 1), a).item()).toBeNaN();
    for (const label of [0, 1]) {
      const logits = tensor([[1, nan]]);
      expect(softmaxCrossEntropy()(logits, labelsOf(label)).item()).toBeNaN();
      expect(softmaxCrossEntropy({ labelSmoothing: 0.1 })(logits, labelsOf(label)).item()).toBeNaN();
      expect(margins.multiMargin()(logits, labelsOf(label)).item()).toBeNaN();
    }
  });
});

describe('metrics', () => {
  it.each([
    ['accuracy', accuracy],
    ['topKAccuracy', topKAccuracy(1)],
  ])('%s is NaN for a row of logits with a NaN, and only for that row', (_name, metric) => {
    const logits = tensor([
      [1, nan, 0],
      [2, 1, 0],
    ]);
    for (const label of [0, 1, 2]) {
      expect(metric(logits, labelsOf(label, 0)).toArray()).toEqual([nan, 1]);
    }
  });
});

describe('dropout', () => {
  it.each([
    ['dropout', dropout(0.5)],
    ['spatialDropout', spatialDropout(0.5)],
  ])('%s: dropped elements are +0, or NaN if they were NaN', (_name, layer) => {
    const context = { training: true, key: keyTensor(1), weights: ones([1]) } as const;
    const of = (value: number): Tensor => layer.apply({}, {}, ones([1, 3, 40]).mul(value), context)[0];
    expect(new Set(of(-1).data)).toEqual(new Set([-2, 0]));
    expect([...of(-1).data].some((x) => Object.is(x, -0))).toBe(false);
    expect([...of(nan).data].every(Number.isNaN)).toBe(true);
  });
});
