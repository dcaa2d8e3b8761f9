import { ConcreteTensor, grad, type Tensor, tensor } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import {
  batchNorm,
  conv2d,
  dense,
  dropout,
  embedding,
  flatten,
  heNormal,
  l2,
  lambda,
  layerNorm,
  lstm,
  maxPool,
  multiHeadAttention,
  parallel,
  relu,
  residual,
  sequential,
  sigmoid,
  summary,
  tanh,
} from './index.ts';

const key = tensor(Uint32Array.of(1, 2));

describe('summary', () => {
  it('lists layers by path, shapes and parameters', () => {
    const model = sequential(
      sequential(conv2d(16, 3, { bias: false }), batchNorm(), relu, maxPool(2)),
      flatten,
      dropout(0.25),
      dense(10),
    );
    expect(summary(model, [28, 28, 1])).toBe(
      [
        'layer          output        parameters    FLOPs',
        'input          [28, 28, 1]',
        // Two for each of the nine taps of 28·28·16 elements, including taps on padding.
        '0/0 conv2d     [28, 28, 16]         144  225,792',
        // Subtract, multiply and add per element; √(variance + ε) and γ/√ per channel.
        '0/1 batchNorm  [28, 28, 16]          32   37,680',
        '0/2 relu       [28, 28, 16]           0   12,544',
        '0/3 maxPool    [14, 14, 16]           0   12,544',
        '1 flatten      [3136]                 0        0',
        '2 dropout      [3136]                 0        0',
        '3 dense        [10]              31,370   62,730',
        'total                            31,546  351,290',
      ].join('\n'),
    );
  });

  it('lists containers with what they compute themselves', () => {
    const model = sequential(
      embedding(50, 8),
      residual(layerNorm(), multiHeadAttention(8, 2)),
      parallel(
        'concat',
        lambda('half', (x) => x.mul(0.5)),
        lstm(4, { bidirectional: true }),
      ),
    );
    const lines = summary(model, [6]).split('\n');
    expect(lines.map((line) => line.replace(/ +/g, ' '))).toEqual([
      'layer output parameters FLOPs',
      'input [6]',
      '0 embedding [6, 8] 400 0',
      '1 residual [6, 8] 48',
      '1/0 layerNorm [6, 8] 16 360',
      '1/1 multiHeadAttention [6, 8] 288 4,824',
      '2 parallel [6, 16]',
      '2/0 half [6, 8] 0 48',
      '2/1 lstm [6, 8] 448 5,616',
      'total 1,152 10,896',
    ]);
  });

  it('takes a single layer', () => {
    expect(summary(dense(3), [4]).split('\n')[2]).toBe('dense  [3]             15     27');
    expect([relu, tanh, sigmoid].map((f) => summary(f, [1]).split('\n')[2]!.split(' ')[0])).toEqual([
      'relu',
      'tanh',
      'sigmoid',
    ]);
  });

  it('computes shapes only: initialisers run on a key without a value', () => {
    const seen: Tensor[] = [];
    const init = (from: Tensor, shape: readonly number[]): Tensor => {
      seen.push(from);
      return heNormal(from, shape);
    };
    expect(summary(dense(3, { init }), [4])).toContain('15');
    expect(seen.map((from) => from instanceof ConcreteTensor)).toEqual([false]);
  });
});

describe('l2', () => {
  it('is λ·Σ w² over kernels, not biases', () => {
    const params = [
      {
        kernel: tensor([
          [1, 2],
          [3, 0],
        ]),
        bias: tensor([100]),
      },
      {},
      { table: tensor([[[4]]]) },
    ];
    expect(l2(0.5)(params).item()).toBe(15);
  });

  it('has the gradient 2λ·w', () => {
    const { params } = sequential(dense(2)).init(key, [3]);
    const gradient = grad((p: typeof params) => l2(0.25)(p))(params);
    const half = params[0].kernel.mul(0.5);
    expect(gradient[0].kernel.data).toEqual(half.data);
    expect((gradient[0].bias as Tensor).toArray()).toEqual([0, 0]);
  });

  it('refuses to penalise nothing', () => {
    expect(() => l2(1)({ w: tensor([1, 2]) })).toThrow(/nothing to penalise/);
  });
});
