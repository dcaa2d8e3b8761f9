import { normal, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { accuracy, binaryAccuracy, perplexity, topKAccuracy } from './metrics.ts';

const key = tensor(Uint32Array.of(1, 2));
const labelsOf = (...labels: number[]) => tensor(labels, { dtype: 'int32' });
const logits = tensor([
  [0, 2],
  [3, 1],
  [1, 1],
]);

describe('accuracy', () => {
  it('is 1 where the largest logit is the label’s', () => {
    const hits = accuracy(logits, labelsOf(1, 1, 0));
    expect(hits.dtype).toBe('float32');
    expect(hits.toArray()).toEqual([1, 0, 1]);
  });

  it('is the mean over a sample’s labels', () => {
    const tokens = tensor([[1, 1, 0]], { dtype: 'int32' });
    expect(accuracy(logits.reshape([1, 3, 2]), tokens).item()).toBeCloseTo(2 / 3, 6);
  });
});

describe('topKAccuracy', () => {
  it('tests whether the label is among the k largest, the first of equal logits', () => {
    const rows = tensor([
      [5, 4, 3, 2],
      [5, 4, 3, 2],
      [7, 7, 7, 7],
      [7, 7, 7, 7],
    ]);
    expect(topKAccuracy(2)(rows, labelsOf(1, 2, 1, 2)).toArray()).toEqual([1, 0, 1, 0]);
    expect(topKAccuracy(4)(rows, labelsOf(3, 2, 1, 0)).toArray()).toEqual([1, 1, 1, 1]);
    expect(topKAccuracy(4)(rows, labelsOf(4, -1, 1, 0)).toArray()).toEqual([0, 0, 1, 1]);
  });

  it('equals accuracy for k = 1', () => {
    const rows = normal(key, [50, 6]);
    const labels = tensor(Int32Array.from({ length: 50 }, (_, i) => i % 6));
    expect(topKAccuracy(1)(rows, labels).toArray()).toEqual(accuracy(rows, labels).toArray());
  });

  it('refuses k = 0', () => {
    expect(() => topKAccuracy(0)).toThrow(/topKAccuracy: k is 0; it must be a whole number ≥ 1/);
  });
});

it('binaryAccuracy compares signs with zeros and ones', () => {
  const rows = tensor([
    [2, -1],
    [0, 3],
  ]);
  const target = tensor([
    [1, 1],
    [0, 1],
  ]);
  expect(binaryAccuracy(rows, target).toArray()).toEqual([0.5, 1]);
});

it('perplexity is e to the mean loss', () => {
  expect(perplexity(Math.log(17))).toBeCloseTo(17, 12);
  expect(perplexity(tensor([Math.log(4)]).mean())).toBeCloseTo(4, 12);
});
