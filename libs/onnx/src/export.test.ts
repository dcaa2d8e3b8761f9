import { arange, conv2d, ones, shardMoments, type Tensor, tensor, uniform } from '@lockstep/autodiff';
import { describe, expect, it } from 'vitest';
import { exportOnnx, type OnnxInput } from './export.ts';
import { check, python } from './fixtures/checker.ts';
import { expectSame, runModel, sample } from './fixtures/runtime.ts';

const input = (...shape: readonly (number | string)[]): OnnxInput => ({ name: 'x', dtype: 'float32', shape });
const weight = tensor(
  [
    [1, 2],
    [3, 4],
  ],
  { dtype: 'float32' },
);

describe('exportOnnx', () => {
  it('exports several inputs and outputs, including repeated outputs and outputs that are inputs', async () => {
    const f = (x: Tensor, y: Tensor): Tensor[] => {
      const sum = x.add(y);
      return [sum, sum.mul(2), sum, x, weight, x.add(y)];
    };
    const model = await expectSame(f, [input('n', 2), { ...input('n', 2), name: 'y' }], sample);
    expect(model.outputs.map(({ name }) => name)).toEqual([0, 1, 2, 3, 4, 5].map((i) => `output${i}`));
    expect(model.operators).toEqual({ Add: 1, Mul: 1, Identity: 4 });
  });

  it('folds constants, and writes equal constants once', async () => {
    const f = (x: Tensor): Tensor => x.matmul(weight.mul(2).exp()).add(1).mul(x.add(1));
    const { operators } = await expectSame(f, [input('n', 2)], sample);
    expect(operators).toEqual({ MatMul: 1, Add: 2, Mul: 1 });
  });

  it('omits transposes that cancel, and transposes weights at export', async () => {
    const kernel = arange(36).reshape([3, 3, 2, 2]).mul(0.1);
    const f = (x: Tensor): Tensor =>
      conv2d(
        conv2d(x, kernel)
          .add(tensor([1, 2], { dtype: 'float32' }))
          .relu(),
        kernel,
      ).sum([1, 2]);
    const { operators } = await expectSame(f, [input('n', 4, 4, 2)], sample);
    expect(operators).toEqual({ Transpose: 1, Conv: 2, Add: 1, Relu: 1, ReduceSum: 1 });
  });

  it('supports a batch axis that is not the first, and merging it with others', async () => {
    const f = (x: Tensor): Tensor[] => [x.reshape([-1, 2]).matmul(weight), x.sum(0), x.transpose([1, 0, 2])];
    const model = await expectSame(f, [input(3, 'rows', 2)], sample);
    expect(model.outputs.map(({ shape }) => shape)).toEqual([
      ['3*rows', 2],
      ['rows', 2],
      ['rows', 3, 2],
    ]);
  });

  it('numbers the rows of a batch of any size', async () => {
    await expectSame(
      (x) => x.mul(arange(x.shape[0]!).mul(2).add(1).reshape([-1, 1])),
      [input('n', 2)],
      sample,
    );
  });

  it('exports models without a batch, in float64, and with empty tensors', async () => {
    await expectSame((x) => x.cast('float64').mul(1 / 3), [input(2, 3)], sample);
    await expectSame((x) => x.reshape([0, 3, 2]).add(1), [input(2, 0, 3)], sample);
  });

  it('runs on an empty batch', async () => {
    const model = exportOnnx((x) => x.matmul(weight).relu(), { inputs: [input('n', 2)] });
    const [[y]] = (await runModel(model, [[tensor(new Float32Array(0), { shape: [0, 2] })]])) as [[Tensor]];
    expect(y.shape).toEqual([0, 2]);
  });

  it.skipIf(python === undefined)('passes the checker of ONNX, with the given names', () => {
    const versions = { 14: 7, 15: 8, 16: 8, 17: 8 };
    const opsets = [14, 15, 16, 17] as const;
    const models = opsets.map((opset) => {
      const names = { 'params/kernel': weight };
      const inputs = [input('rows', 2)];
      const options = { inputs, outputs: ['logits'], names, metadata: { step: '7' }, opset };
      return exportOnnx((x) => x.matmul(weight), options).bytes;
    });
    const expected = opsets.map((opset) => ({
      ir: versions[opset],
      opset,
      inputs: [['x', 'rows', 2]],
      outputs: [['logits', 'rows', 2]],
      initializers: { 'params/kernel': [2, 2] },
      metadata: { step: '7' },
    }));
    expect(check(models)).toEqual(expected);
  });

  it('is a pure function', () => {
    const bytes = () => exportOnnx((x) => x.matmul(weight).softmax(), { inputs: [input('n', 2)] }).bytes;
    expect(bytes()).toEqual(bytes());
  });

  it.each([
    [
      'randomness',
      (x: Tensor) => x.add(uniform(x.cast('uint32').at(0), [2])),
      /'randomBits' of uint32\[2\] has no operator/,
    ],
    [
      'moments of the batch',
      (x: Tensor) => shardMoments(x, ones([x.shape[0]!])).mean,
      /'shardMoments' of .*no operator/,
    ],
    ['a mean over the batch', (x: Tensor) => x.sub(x.mean(0)), /changes with the number of rows/],
    [
      'a weight by the number of the row',
      (x: Tensor) => x.mul(arange(x.shape[0]!).square().reshape([-1, 1])),
      /changes with the number of rows/,
    ],
    ['a part of the batch', (x: Tensor) => x.slice([1]), /is no multiple of the number of rows/],
    [
      'a loop over the batch',
      (x: Tensor) =>
        x.shape
          .slice(0, 1)
          .flatMap((n) => Array(n).fill(x) as Tensor[])
          .reduce((a, b) => a.add(b)),
      /its operations change with the number of rows/,
    ],
  ])('refuses %s', (_what, f, message) => {
    expect(() => exportOnnx(f, { inputs: [input('n', 2)] })).toThrow(
      expect.objectContaining({ code: 'argument', message: expect.stringMatching(message) }),
    );
  });

  it('refuses two open lengths, and names that do not fit', () => {
    expect(() => exportOnnx((x) => x, { inputs: [input('n', 'time')] })).toThrow('leave n and time open');
    expect(() => exportOnnx((x) => x, { inputs: [input('n')], outputs: [] })).toThrow(
      '0 names for 1 outputs',
    );
  });
});
