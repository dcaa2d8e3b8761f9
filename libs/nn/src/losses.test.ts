import {
  checkGrads,
  concatenate,
  foldIn,
  grad,
  jit,
  normal,
  stack,
  type Tensor,
  tensor,
} from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { focal, negativeLogLikelihood, softmaxCrossEntropy } from './cross-entropy.ts';
import type { Loss } from './loss.ts';
import {
  binaryCrossEntropy,
  gaussianNegativeLogLikelihood,
  huber,
  klDivergence,
  meanAbsoluteError,
  meanSquaredError,
  poissonNegativeLogLikelihood,
  smoothL1,
} from './losses.ts';
import {
  cosineEmbedding,
  hinge,
  hingeEmbedding,
  marginRanking,
  multiMargin,
  softMargin,
  tripletMargin,
} from './margin-losses.ts';

const key = tensor(Uint32Array.of(1, 2));
const labelsOf = (...labels: number[]): Tensor => tensor(labels, { dtype: 'int32' });

describe('softmaxCrossEntropy', () => {
  const loss = softmaxCrossEntropy();

  it('is −log of the label’s probability', () => {
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

  it('neither overflows nor loses precision', () => {
    const logits = tensor([[1e4, -1e4]], { dtype: 'float32' });
    expect(loss(logits, labelsOf(1)).toArray()).toEqual([2e4]);
    expect(loss(logits, labelsOf(0)).dtype).toBe('float32');
  });

  it('reports labels that name no class', () => {
    const logits = tensor([
      [1, 2],
      [1, 2],
    ]);
    expect(() => loss(logits, labelsOf(1, 2))).toThrow(
      'softmaxCrossEntropy: label 2, number 1 of 2, names no class: the prediction gives 2 outputs, numbered from 0 to 1; label 2 needs at least 3',
    );
    expect(() => loss(logits, labelsOf(-1, 0))).toThrow(/ignoreIndex: -1 leaves it out/);
    expect(jit(loss)(logits, labelsOf(2, -1)).toArray()).toEqual([Number.NaN, Number.NaN]);
  });

  it('refuses labels that are floats', () => {
    expect(() => loss(normal(key, [2, 3]), normal(key, [2]))).toThrow(
      /softmaxCrossEntropy: labels are numbers of classes, int32, not float32; .* dtypes: \{ y: 'int32' \}/,
    );
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

  it('accepts a column with a list, and integer targets', () => {
    expect(loss(tensor([[1], [3]]), tensor([3, 3])).toArray()).toEqual([4, 0]);
    expect(loss(tensor([1, 3]), labelsOf(3, 3)).toArray()).toEqual([4, 0]);
  });

  it('broadcasts nothing else', () => {
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

  it('has the gradient σ(z) − t, also at 0, and a correct second derivative', () => {
    expect(grad((z: Tensor) => loss(z, tensor([1])).sum())(tensor([0])).toArray()).toEqual([-0.5]);
    checkGrads((z: Tensor) => loss(z, tensor([1, 0, 0.3, 1])), [tensor([0, -2, 3, 0.5])]);
  });
});

describe('softmaxCrossEntropy with options', () => {
  const logits = normal(key, [2, 3, 4], 'float64');
  const tokens = tensor([0, 3, 9, 9, 9, 9], { dtype: 'int32', shape: [2, 3] });
  const plain = softmaxCrossEntropy();

  it('is the mean over a sample’s labels that are not ignored', () => {
    const loss = softmaxCrossEntropy({ ignoreIndex: 9 });
    const of = (row: number, place: number): number =>
      plain(logits.at(row, place).reshape([1, 4]), tokens.at(row, place).reshape([1])).item();
    const [first, second] = loss(logits, tokens).toArray() as number[];
    expect(first).toBeCloseTo((of(0, 0) + of(0, 1)) / 2, 14);
    expect(second, 'without a label that counts').toBe(0);
    const sums = softmaxCrossEntropy({ ignoreIndex: 9, reduction: 'sum' })(logits, tokens);
    expect(sums.at(0).item()).toBeCloseTo(of(0, 0) + of(0, 1), 14);
    const gradient = grad((z: Tensor) => loss(z, tokens).sum())(logits);
    expect([...gradient.at(0, 2).data, ...gradient.at(1).data].every((value) => value === 0)).toBe(true);
    expect(() => plain(logits, tokens)).toThrow(/label 9, number 2 of 6/);
    expect(() => loss(logits, tokens.add(5))).toThrow(/label 5, number 0 of 6/);
  });

  it('multiplies by class weights and divides by nothing that depends on other samples', () => {
    const [a, b] = [logits.at(0).slice([0], [1]), logits.at(1).slice([0], [1])];
    const weighted = softmaxCrossEntropy({ classWeights: [1, 5, 1, 1] });
    const [first] = weighted(a, labelsOf(1)).toArray() as number[];
    expect(first).toBeCloseTo(5 * plain(a, labelsOf(1)).item(), 14);
    for (const neighbour of [0, 1]) {
      const both = weighted(concatenate([a, b]), labelsOf(1, neighbour));
      expect(both.at(0).item()).toBe(first);
    }
  });

  it('is finite and has derivative 0 for an impossible class', () => {
    const z = tensor([[1, Number.NEGATIVE_INFINITY, 2]]);
    expect(plain(z, labelsOf(0)).item()).toBeCloseTo(Math.log(1 + Math.E), 14);
    const gradient = grad((x: Tensor) => plain(x, labelsOf(0)).sum())(z).toArray() as number[][];
    expect(gradient[0]![1]).toBe(0);
  });

  it('equals focal with γ = 0', () => {
    const labels = labelsOf(0, 2, 1);
    const rows = logits.at(0);
    expect(focal({ gamma: 0 })(rows, labels).data).toEqual(plain(rows, labels).data);
    checkGrads((z: Tensor) => focal({ gamma: 1.5 })(z, labels), [rows]);
  });

  it('refuses invalid options', () => {
    expect(() => softmaxCrossEntropy({ labelSmoothing: 1.5 })).toThrow(/labelSmoothing is 1.5/);
    expect(() => softmaxCrossEntropy({ classWeights: [1, 2] })(logits.at(0), labelsOf(0, 1, 2))).toThrow(
      /classWeights has 2 values, 1, 2, for logits \[3, 4\]; give one number ≥ 0 for each class/,
    );
    expect(() => focal({ gamma: -1 })).toThrow(/gamma is -1/);
  });
});

describe('every loss', () => {
  const rows = normal(key, [4, 3], 'float64');
  const target = normal(foldIn(key, 1), [4, 3], 'float64');
  const shares = target.softmax();
  const signs = tensor([1, -1, 1, -1]);
  const labels = labelsOf(0, 2, 1, 1);
  const cases: readonly (readonly [string, Loss, Tensor, Tensor])[] = [
    [
      'smoothed cross-entropy',
      softmaxCrossEntropy({ labelSmoothing: 0.1, classWeights: [1, 2, 0.5] }),
      rows,
      labels,
    ],
    ['cross-entropy of shares', softmaxCrossEntropy({ labelSmoothing: 0.1 }), rows, shares],
    ['negativeLogLikelihood', negativeLogLikelihood(), rows, labels],
    ['meanSquaredError', meanSquaredError(), rows, target],
    ['meanAbsoluteError', meanAbsoluteError(), rows, target],
    ['huber', huber(0.7), rows, target],
    ['smoothL1', smoothL1(0.7), rows, target],
    ['binaryCrossEntropy', binaryCrossEntropy({ posWeight: 3 }), rows, shares],
    ['hinge', hinge(0.5), rows, target.sign()],
    ['poissonNegativeLogLikelihood', poissonNegativeLogLikelihood(), rows, shares],
    ['klDivergence', klDivergence(), rows, shares],
    ['klDivergence of logarithms', klDivergence({ logTarget: true }), rows, target],
    ['softMargin', softMargin(), rows, target.sign()],
    ['hingeEmbedding', hingeEmbedding(2), rows, target.sign()],
    ['multiMargin', multiMargin(1.5), rows, labels],
    ['marginRanking', marginRanking(0.2), rows.slice([0, 0], [4, 2]), signs],
    [
      'gaussianNegativeLogLikelihood',
      gaussianNegativeLogLikelihood(),
      stack([rows, shares.add(0.1)], 1),
      target,
    ],
    ['cosineEmbedding', cosineEmbedding(-0.9), normal(key, [4, 2, 3], 'float64'), signs],
    ['tripletMargin', tripletMargin(5), normal(key, [4, 3, 3], 'float64'), signs],
  ];

  it.each(cases)(
    '%s: gives one value per sample, also compiled, with correct derivatives',
    (_name, loss, x, t) => {
      const values = loss(x, t);
      expect(values.shape).toEqual([4]);
      expect(jit(loss)(x, t).data).toEqual(values.data);
      const alone = Array.from({ length: 4 }, (_, i) =>
        loss(x.slice([i], [i + 1]), t.slice([i], [i + 1])).item(),
      );
      expect(alone).toEqual([...values.data]);
      checkGrads((y: Tensor) => loss(y, t), [x]);
    },
  );

  it('of classes refuses labels that name none, and is NaN if such labels have no value yet', () => {
    for (const loss of [softmaxCrossEntropy(), negativeLogLikelihood(), focal(), multiMargin()]) {
      expect(() => loss(rows, labelsOf(0, 3, -1, 2))).toThrow(/label 3, number 1 of 4, names no class/);
      const values = jit(loss)(rows, labelsOf(0, 3, -1, 2)).toArray() as number[];
      expect(values.map(Number.isNaN)).toEqual([false, true, true, false]);
    }
  });

  it('refuses parts and numbers that do not fit', () => {
    expect(() => cosineEmbedding()(rows, signs)).toThrow(
      /takes \[rows, 2, \.\.\] with a, b along axis 1, not \[4, 3\]; join them with stack\(\[a, b\], 1\)/,
    );
    expect(() => huber(0)).toThrow(/huber: delta is 0; it must be a finite number above 0/);
    expect(() => smoothL1(Number.NaN)).toThrow(/smoothL1: beta is NaN/);
  });
});
