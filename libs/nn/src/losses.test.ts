import { checkGrads, grad, normal, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { softmaxCrossEntropy } from './cross-entropy.ts';
import { binaryCrossEntropy, meanSquaredError } from './losses.ts';
import { accuracy } from './metrics.ts';

const key = tensor(Uint32Array.of(1, 2));
const labelsOf = (...labels: number[]): Tensor => tensor(labels, { dtype: 'int32' });

describe('softmaxCrossEntropy', () => {
  const loss = softmaxCrossEntropy();

  it('is −log of the label’s share', () => {
    const logits = tensor([
      [Math.log(1), Math.log(3), Math.log(4)],
      [0, 0, 0],
    ]);
    const values = loss(logits, labelsOf(1, 2));
    expect(values.at(0).item()).toBeCloseTo(-Math.log(3 / 8), 14);
    expect(values.at(1).item()).toBeCloseTo(Math.log(3), 14);
  });

  it('has the gradient softmax − one-hot', () => {
    const logits = tensor([[Math.log(1), Math.log(3), Math.log(4)]]);
    const [row] = grad((z: Tensor) => loss(z, labelsOf(1)).sum())(logits).toArray() as number[][];
    for (const [i, expected] of [1 / 8, 3 / 8 - 1, 4 / 8].entries())
      expect(row![i]).toBeCloseTo(expected, 14);
    checkGrads((z: Tensor) => loss(z, labelsOf(0, 3)), [normal(key, [2, 4], 'float64')]);
  });

  it('neither overflows nor loses float32', () => {
    const logits = tensor([[1e4, -1e4]], { dtype: 'float32' });
    expect(loss(logits, labelsOf(1)).toArray()).toEqual([2e4]);
    expect(loss(logits, labelsOf(0)).dtype).toBe('float32');
  });

  it('shows labels that name no class', () => {
    expect(
      loss(
        tensor([
          [1, 2],
          [1, 2],
        ]),
        labelsOf(2, -1),
      ).toArray(),
    ).toEqual([Number.NaN, Number.NaN]);
  });

  it('refuses logits that are not flat', () => {
    expect(() => loss(normal(key, [2, 3, 4]), labelsOf(0, 1))).toThrow(
      /\[rows, .., classes\] and labels \[rows, ..\], not \[2, 3, 4\] and \[2\]; is a flatten missing/,
    );
  });
});

describe('meanSquaredError', () => {
  const loss = meanSquaredError();

  it('is a mean for each row', () => {
    expect(
      loss(
        tensor([
          [1, 2],
          [3, 5],
        ]),
        tensor([
          [1, 4],
          [0, 1],
        ]),
      ).toArray(),
    ).toEqual([2, 12.5]);
    expect(loss(tensor([1, 3]), tensor([3, 3])).toArray()).toEqual([4, 0]);
  });

  it('lets a column meet a list, and integers be targets', () => {
    expect(loss(tensor([[1], [3]]), tensor([3, 3])).toArray()).toEqual([4, 0]);
    expect(loss(tensor([1, 3]), labelsOf(3, 3)).toArray()).toEqual([4, 0]);
  });

  it('stretches nothing else', () => {
    expect(() => loss(normal(key, [4, 2]), normal(key, [4]))).toThrow(/\[4, 2\] and targets \[4\] differ/);
    expect(() => loss(normal(key, [4]), normal(key, [1]))).toThrow(/differ in shape/);
  });
});

describe('binaryCrossEntropy', () => {
  const loss = binaryCrossEntropy();

  it('is the cross entropy of the two classes', () => {
    const z = 0.7;
    const share = 1 / (1 + Math.exp(-z));
    const values = loss(tensor([z, z, z]), tensor([1, 0, 0.25])).toArray() as number[];
    expect(values[0]).toBeCloseTo(-Math.log(share), 14);
    expect(values[1]).toBeCloseTo(-Math.log(1 - share), 14);
    expect(values[2]).toBeCloseTo(-0.25 * Math.log(share) - 0.75 * Math.log(1 - share), 14);
  });

  it('stays finite for huge logits', () => {
    expect(loss(tensor([1e4, -1e4, 1e4]), tensor([1, 0, 0])).toArray()).toEqual([0, 0, 1e4]);
  });

  it('has the gradient σ(z) − t, at 0 too, and a right second derivative', () => {
    expect(grad((z: Tensor) => loss(z, tensor([1])).sum())(tensor([0])).toArray()).toEqual([-0.5]);
    checkGrads((z: Tensor) => loss(z, tensor([1, 0, 0.3, 1])), [tensor([0, -2, 3, 0.5])]);
  });
});

describe('accuracy', () => {
  it('is 1 where the largest logit is the label’s', () => {
    const hits = accuracy(
      tensor([
        [0, 2],
        [3, 1],
        [1, 1],
      ]),
      labelsOf(1, 1, 0),
    );
    expect(hits.dtype).toBe('float32');
    expect(hits.toArray()).toEqual([1, 0, 1]);
  });
});
