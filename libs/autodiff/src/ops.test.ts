/** Ops composed of primitives, compared with plain loops over numbers. */
import { keyFromSeed } from '@lockstep/rng';
import { describe, expect, it } from 'vitest';
import { bitsOf, distinct, integers, ordinary } from './fixtures/values.ts';
import {
  arange,
  avgPool,
  bernoulli,
  type Conv2dOptions,
  conv2d,
  cumSum,
  diff,
  erfInv,
  foldIn,
  full,
  gather,
  glu,
  grad,
  keyTensor,
  logAddExp,
  logicalNot,
  logSoftmax,
  logSumExp,
  max,
  maxPool,
  mean,
  median,
  normal,
  oneHot,
  ones,
  pad,
  polygamma,
  pow,
  quantile,
  randomBits,
  scatterAdd,
  softmax,
  splitKey,
  stack,
  type Tensor,
  tensor,
  uniform,
  vmap,
  zeros,
} from './index.ts';

const expectClose = (found: Tensor, expected: readonly number[], digits = 12): void => {
  expect(found.size).toBe(expected.length);
  for (const [i, value] of found.data.entries()) expect(value).toBeCloseTo(expected[i]!, digits);
};

describe('conv2d', () => {
  /** Zeros [top, left] in front; the size of the output determines the zeros behind. */
  function byLoops(
    x: Tensor,
    kernel: Tensor,
    stride: readonly number[],
    before: readonly number[],
    size: readonly number[],
  ): number[] {
    const [batch, height, width, channels] = x.shape as [number, number, number, number];
    const [down, across, , out] = kernel.shape as [number, number, number, number];
    const results: number[] = [];
    for (let b = 0; b < batch; b++)
      for (let oy = 0; oy < size[0]!; oy++)
        for (let ox = 0; ox < size[1]!; ox++)
          for (let o = 0; o < out; o++) {
            let total = 0;
            for (let ky = 0; ky < down; ky++)
              for (let kx = 0; kx < across; kx++) {
                const [iy, ix] = [oy * stride[0]! + ky - before[0]!, ox * stride[1]! + kx - before[1]!];
                if (iy < 0 || ix < 0 || iy >= height || ix >= width) continue;
                for (let c = 0; c < channels; c++)
                  total +=
                    x.data[((b * height + iy) * width + ix) * channels + c]! *
                    kernel.data[((ky * across + kx) * channels + c) * out + o]!;
              }
            results.push(total);
          }
    return results;
  }
  const x = ordinary([2, 5, 4, 3])(1);

  it.each<
    [string, Conv2dOptions, readonly number[], readonly number[], readonly number[], readonly number[]]
  >([
    ['same by default', {}, [3, 3], [1, 1], [1, 1], [5, 4]],
    ['same, the odd zero at the end', {}, [2, 4], [1, 1], [0, 1], [5, 4]],
    ['same, with strides', { stride: [2, 3] }, [3, 3], [2, 3], [1, 1], [3, 2]],
    ['valid', { padding: 'valid' }, [3, 2], [1, 1], [0, 0], [3, 3]],
    ['valid, with a stride', { padding: 'valid', stride: 2 }, [2, 2], [2, 2], [0, 0], [2, 2]],
    ['two zeros on every side', { padding: 2, stride: 2 }, [3, 3], [2, 2], [2, 2], [4, 3]],
  ])('%s', (_what, options, kernelSize, stride, before, size) => {
    const kernel = ordinary([...kernelSize, 3, 2])(2);
    const y = conv2d(x, kernel, options);
    expect(y.shape).toEqual([2, ...size, 2]);
    expectClose(y, byLoops(x, kernel, stride, before, size));
  });
  it('names kernels that do not fit', () => {
    expect(() => conv2d(x, ordinary([3, 3, 2, 2])(2))).toThrow(
      /conv2d: takes images \[B, H, W, C\] and a kernel/,
    );
    expect(() => conv2d(x, ordinary([6, 1, 3, 1])(2), { padding: 'valid' })).toThrow(
      /conv2d: a 6×1 kernel does not fit images of 5×4/,
    );
  });
});

describe('pooling', () => {
  const x = distinct([1, 4, 6, 1])(1);
  const windows = (down: number, across: number): number[][] => {
    const rows = x.reshape([4, 6]).toArray() as number[][];
    const list: number[][] = [];
    for (let y = 0; y < 4; y += down)
      for (let z = 0; z < 6; z += across)
        list.push(rows.slice(y, y + down).flatMap((row) => row.slice(z, z + across)));
    return list;
  };
  it('takes the largest or the mean of each window', () => {
    expect([...maxPool(x, 2).data]).toEqual(windows(2, 2).map((window) => Math.max(...window)));
    expect([...maxPool(x, [4, 3]).data]).toEqual(windows(4, 3).map((window) => Math.max(...window)));
    expectClose(
      avgPool(x, [2, 3]),
      windows(2, 3).map((window) => window.reduce((a, b) => a + b) / 6),
    );
  });
  it('leaves out windows that reach beyond the image, and overlaps with a smaller stride', () => {
    expect(maxPool(x, 3).shape).toEqual([1, 1, 2, 1]);
    expect(maxPool(x, 3, 1).shape).toEqual([1, 2, 4, 1]);
  });
  it('gives the gradient of a tied maximum to the first element', () => {
    const tied = ones([1, 2, 2, 1]);
    expect(
      grad((y: Tensor) => maxPool(y, 2).sum())(tied)
        .reshape([4])
        .toArray(),
    ).toEqual([1, 0, 0, 0]);
  });
  it('names images that do not fit', () => {
    expect(() => maxPool(x, 5)).toThrow(
      /maxPool: takes images \[B, H, W, C\] at least as large as the 5×5 window/,
    );
    expect(() => avgPool(x, 5)).toThrow(/avgPool: .* at least as large as the 5×5 window/);
  });
});

describe('softmax and its logarithm', () => {
  const rows = [
    [1, 2, 3],
    [-1, 0.5, 0],
  ];
  const sums = rows.map((row) => row.reduce((total, x) => total + Math.exp(x), 0));
  it('have the values of their definitions', () => {
    const x = tensor(rows);
    expectClose(
      softmax(x),
      rows.flatMap((row, i) => row.map((v) => Math.exp(v) / sums[i]!)),
    );
    expectClose(
      logSoftmax(x),
      rows.flatMap((row, i) => row.map((v) => v - Math.log(sums[i]!))),
    );
    expectClose(logSumExp(x, -1), sums.map(Math.log));
    expect(logSumExp(x, 0, { keepDims: true }).shape).toEqual([1, 3]);
    expectClose(softmax(x.transpose(), 0), [...softmax(x).transpose().data]);
    expectClose(grad((y: Tensor) => logSumExp(y, -1).sum())(x), [...softmax(x).data]);
  });
  it('do not overflow', () => {
    const x = tensor([1000, 1001]);
    expectClose(logSumExp(x), [1001 + Math.log(1 + Math.exp(-1))]);
    expectClose(logSoftmax(x.neg()), [-Math.log(1 + Math.exp(-1)), -1 - Math.log(1 + Math.exp(-1))]);
    expect(softmax(x).sum().item()).toBeCloseTo(1, 14);
  });
});

describe('reductions', () => {
  const x = tensor([
    [1, 5, 2],
    [7, 0, 4],
  ]);
  it('go over the given axes', () => {
    expect(mean(x, 0).toArray()).toEqual([4, 2.5, 3]);
    expectClose(mean(x), [19 / 6]);
    expect([x.max().item(), x.min().item(), x.max(1).toArray(), x.min(0).toArray()]).toEqual([
      7,
      0,
      [5, 7],
      [1, 0, 2],
    ]);
    expect([x.argmax(-1).toArray(), x.argmax(0).toArray(), x.argmax().dtype]).toEqual([
      [1, 0],
      [1, 0, 1],
      'int32',
    ]);
    expect(ordinary([2, 3, 2])(1).sum([0, 2]).shape).toEqual([3]);
    expect(x.sum([0, 1], { keepDims: true }).toArray()).toEqual([[19]]);
  });
  it('share the gradient of tied extremes', () => {
    expect(grad((y: Tensor) => y.max())(tensor([3, 1, 3])).toArray()).toEqual([0.5, 0, 0.5]);
    expect(grad((y: Tensor) => y.maximum(3).sum())(tensor([3, 4, 2])).toArray()).toEqual([0.5, 1, 0]);
    expect(grad((y: Tensor) => y.relu().add(y.abs()).sum())(tensor([0])).item()).toBe(0);
  });
});

describe('impossible arguments', () => {
  const x = ordinary([2, 3])(1);
  it.each<[string, () => unknown, RegExp]>([
    [
      'an odd axis to halve',
      () => glu(x),
      /glu: axis 1 of \[2, 3\] has the odd length 3; the axis is halved/,
    ],
    ['half an order', () => polygamma(0.5, x), /polygamma: the order is 0.5; give a whole number/],
    ['half a difference', () => diff(x, 0.5), /diff: differences of \[2, 3\] cannot be taken 0.5 times/],
    [
      'a part beyond 1',
      () => quantile(x, 2),
      /quantile: q is 2; give the fraction of elements that lie below, from 0 to 1/,
    ],
    ['a quantile of nothing', () => median(zeros([0])), /median: axes \[0\] of \[0\] are empty/],
    ['an extreme of nothing', () => max(zeros([2, 0]), 1), /max: axis 1 of \[2, 0\] is empty/],
    ['integers', () => erfInv(integers([2], 0, 3)(1)), /erfInv: takes float32 or float64, not int32/],
    ['two types', () => pow(x, zeros([3])), /pow: element types differ: float64 and float32/],
    [
      'shapes that do not broadcast',
      () => logAddExp(x, zeros([2], 'float64')),
      /logAddExp: .*\[2, 3\].*\[2\]/,
    ],
    ['an axis that is not there', () => cumSum(x, 2), /cumSum: .*axis 2/],
  ])('names %s', (_what, call, message) => {
    expect(call).toThrow(message);
  });
});

describe('rows by index', () => {
  const table = ordinary([4, 2])(1);
  it('takes indices of any shape', () => {
    const indices = integers([2, 3], 0, 4)(1);
    const rows = gather(table, indices);
    expect(rows.shape).toEqual([2, 3, 2]);
    for (const i of [0, 1])
      for (const j of [0, 1, 2])
        expect(bitsOf(rows.at(i, j))).toBe(bitsOf(table.at(indices.at(i, j).item())));
  });
  it('adds up the updates of one row', () => {
    const indices = tensor([1, 1, 3], { dtype: 'int32' });
    expect(scatterAdd(tensor([[1], [2], [5]]), indices, 4).toArray()).toEqual([[0], [3], [0], [5]]);
  });
  it('has ones at the labels', () => {
    const labels = tensor([2, 0, 3], { dtype: 'int32' });
    expect(oneHot(labels, 3).toArray()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
      [0, 0, 0],
    ]);
    expect([oneHot(labels, 3).dtype, oneHot(labels, 3, 'float64').dtype]).toEqual(['float32', 'float64']);
  });
  it('refuses indices of other types', () => {
    expect(() => gather(table, tensor([0]))).toThrow(/gather: indices are int32, not float64/);
    expect(() => scatterAdd(table, tensor([1], { dtype: 'int32' }), 2)).toThrow(
      /scatterAdd: updates \[4, 2\] must begin/,
    );
  });
});

describe('parts', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  it('slices, pads, flips and stacks', () => {
    expect(x.slice([0, 1], [2, 3]).toArray()).toEqual([
      [2, 3],
      [5, 6],
    ]);
    expect(x.slice([0, 0], [2, 3], [1, 2]).toArray()).toEqual([
      [1, 3],
      [4, 6],
    ]);
    expect(x.slice([-1]).toArray()).toEqual([[4, 5, 6]]);
    expect(x.at(-1, 0).item()).toBe(4);
    expect(pad(x.at(0), [[1, 2]]).toArray()).toEqual([0, 1, 2, 3, 0, 0]);
    expect(x.flip([1]).toArray()).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    expect(stack([x.at(0), x.at(1)], 1).toArray()).toEqual(x.transpose().toArray());
    expect(x.reshape([3, -1]).toArray()).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });
  it('fills', () => {
    expect([zeros([2]), ones([2]), full([2], 7), arange(3)].map((y) => y.toArray())).toEqual([
      [0, 0],
      [1, 1],
      [7, 7],
      [0, 1, 2],
    ]);
    expect(logicalNot(x.greater(3)).at(0).toArray()).toEqual([1, 1, 1]);
    expect(x.greater(3).logicalNot().logicalAnd(x.less(3)).logicalOr([false]).at(0).toArray()).toEqual(
      x.less(3).at(0).toArray(),
    );
    expect(Object.is(full([1], -0).item(), -0)).toBe(true);
    expect(JSON.stringify({ x })).toBe(`{"x":${JSON.stringify(x.toArray())}}`);
  });
});

describe('random numbers', () => {
  const key = keyTensor(keyFromSeed(42));
  it('are functions of the key', () => {
    expect(bitsOf(normal(key, [5]))).toBe(bitsOf(normal(key, [5])));
    expect(bitsOf(normal(key, [5]))).not.toBe(bitsOf(normal(foldIn(key, 1), [5])));
    expect(bitsOf(foldIn(key, 1))).not.toBe(bitsOf(foldIn(key, '1')));
    expect(bitsOf(randomBits(key, [2, 3]).reshape([6]))).toBe(bitsOf(randomBits(key, [6])));
  });
  it('are the same for a batch of keys as for each key alone', () => {
    const keys = stack([0, 1, 2].map((i) => foldIn(key, i)));
    const batch = vmap((k: Tensor) => normal(k, [4]))(keys);
    for (const i of [0, 1, 2]) expect(bitsOf(batch.at(i))).toBe(bitsOf(normal(foldIn(key, i), [4])));
  });
  it('start from a seed, and split into separate keys', () => {
    expect(bitsOf(keyTensor(2 ** 32 + 42))).toBe(bitsOf(keyTensor([1, 42])));
    const keys = splitKey(key, 3);
    expect([keys.dtype, ...keys.shape]).toEqual(['uint32', 3, 2]);
    const [first, second, third] = Array.from(vmap((k: Tensor) => uniform(k, []))(keys).data);
    expect(new Set([first, second, third, uniform(key, []).item()]).size).toBe(4);
    expect(bitsOf(uniform(keys.at(1), []))).toBe(bitsOf(tensor(Float32Array.of(second!), { shape: [] })));
    expect(() => keyTensor(-1)).toThrow(/keyTensor: the seed is -1; use a whole number from 0 to 2⁵³ − 1/);
    expect(() => foldIn(key, 1.5)).toThrow(/foldIn: folds a whole number .* not 1.5; .* splitKey/);
  });
  it('have the distributions of their names', () => {
    const size = 16384;
    const u = uniform(key, [size], -1, 3);
    expect(u.min().item()).toBeGreaterThanOrEqual(-1);
    expect(u.max().item()).toBeLessThan(3);
    expect(u.min().item()).toBeLessThan(-0.99);
    expect(u.max().item()).toBeGreaterThan(2.99);
    // Within five standard errors.
    expect(Math.abs(u.mean().item() - 1)).toBeLessThan(5 * (4 / Math.sqrt(12 * size)));
    const z = normal(key, [size]);
    expect(Math.abs(z.mean().item())).toBeLessThan(5 / Math.sqrt(size));
    expect(Math.abs(z.square().mean().item() - 1)).toBeLessThan(5 * Math.sqrt(2 / size));
    expect(Math.abs(z.square().mul(z).mean().item())).toBeLessThan(5 * Math.sqrt(15 / size));
    expect(Math.abs(z.square().square().mean().item() - 3)).toBeLessThan(5 * Math.sqrt(96 / size));
    const yes = bernoulli(key, 0.3, [size]);
    expect(yes.dtype).toBe('bool');
    expect(Math.abs(yes.cast('float32').mean().item() - 0.3)).toBeLessThan(5 * Math.sqrt(0.21 / size));
  });
  it('need a key', () => {
    expect(() => uniform(tensor([1, 2]), [3])).toThrow(
      /randomBits: a key is a uint32 tensor \[2\], not float64\[2\]/,
    );
  });
});
