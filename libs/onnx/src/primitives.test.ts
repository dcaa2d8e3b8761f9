import type { Tensor } from '@lockstep/autodiff';
import * as ops from '@lockstep/autodiff';
import type { DType } from '@lockstep/tensor';
import { describe, expect, it } from 'vitest';
import type { OnnxInput } from './export.ts';
import { expectSame, sample } from './fixtures/runtime.ts';
import { lowerings } from './primitives.ts';

const input = (shape: readonly (number | string)[], dtype: DType = 'float32', name = 'x'): OnnxInput => ({
  name,
  dtype,
  shape,
});
const x = input(['batch', 3, 4]);
const y = input(['batch', 3, 4], 'float32', 'y');
const image = input(['batch', 6, 5, 2]);
const kernel = ops.tensor(sample(input([3, 2, 2, 3]), 1).data, { shape: [3, 2, 2, 3] });
const table = ops.tensor(sample(input([3, 4]), 1).data, { shape: [3, 4] });

type Case = readonly [covers: string, f: (...xs: Tensor[]) => Tensor, inputs: readonly OnnxInput[]];

const { neg, abs, sign, floor, ceil, round, square, exp, sin, cos, tanh, sigmoid, erf, relu, flush } = ops;
const unary = { neg, abs, sign, floor, ceil, round, square, exp, sin, cos, tanh, sigmoid, erf, relu, flush };
const { sqrt, log, reciprocal } = ops;
const positive = { sqrt, log, reciprocal };
const { asinh, atan, cosh, erfc, exp2, expm1, log1p, sinh, softplus, cbrt } = ops;
const host = { asinh, atan, cosh, erfc, exp2, expm1, sinh, softplus, cbrt };
const { log2, log10 } = ops;
const { acos, asin, atanh } = ops;
const inUnit = { acos, asin, atanh, log1p };
const { hypot, logAddExp, remainder, floorDivide } = ops;
const binary = { add: ops.add, sub: ops.sub, mul: ops.mul, max: ops.maximum, min: ops.minimum };

/** One case per primitive, on rows of a batch. The first item names the covered primitives. */
const cases: readonly Case[] = [
  ...Object.entries(unary).map(([name, op]): Case => [name, (a) => op(a.mul(2)), [x]]),
  ...Object.entries(positive).map(([name, op]): Case => [name, (a) => op(a.abs().add(0.1)), [x]]),
  ...Object.entries(host).map(([name, op]): Case => [name, (a) => op(a), [x]]),
  ...Object.entries({ log2, log10 }).map(([name, op]): Case => [name, (a) => op(a.abs().add(0.1)), [x]]),
  ...Object.entries(inUnit).map(([name, op]): Case => [name, (a) => op(a.mul(0.6)), [x]]),
  // Arguments near 0, at which eˣ − 1 and ln(1 + x) computed directly would lose all digits.
  ...Object.entries({ expm1, log1p }).map(([name, op]): Case => [name, (a) => op(a.mul(1e-6)), [x]]),
  ['log1p', (a) => log1p(a.abs().mul(1e6)), [x]],
  ['acosh', (a) => ops.acosh(a.abs().add(1)), [x]],
  ['pow', (a, b) => ops.pow(a.abs().add(0.1), b), [x, y]],
  ...Object.entries({ hypot, logAddExp }).map(([name, op]): Case => [name, op, [x, y]]),
  ...Object.entries({ remainder, floorDivide }).flatMap(([name, op]): Case[] => [
    [name, (a, b) => op(a.mul(5), b.add(0.01)), [x, y]],
    [name, (a) => op(a.sub(3), ops.tensor(Int32Array.of(2, -2, 3))), [input(['batch', 3], 'int32')]],
  ]),
  [
    'barrier',
    (a) => ops.grad((b: Tensor) => ops.checkpoint((c: Tensor) => c.sin().square().sum())(b) as Tensor)(a),
    [x],
  ],
  ['cumSum', (a) => ops.cumSum(a, 1), [x]],
  ['cumSum', (a) => ops.cumSum(a.greater(0), 2, { reverse: true }), [x]],
  ['argSort', (a) => ops.argSort(a.mul(2).round(), 1), [x]],
  ['argSort', (a) => ops.topK(a, 2).values, [x]],
  ...Object.entries(binary).map(([name, op]): Case => [name, op, [x, y]]),
  ['div', (a, b) => a.div(b.abs().add(0.5)), [x, y]],
  ['reluGrad', (a) => ops.grad((b: Tensor) => b.relu().mul(b).sum())(a), [x]],
  ['eq', (a) => ops.equal(a.round(), 1), [x]],
  ['ne', (a) => ops.notEqual(a.round(), 1), [x]],
  ['lt', (a, b) => ops.less(a, b), [x, y]],
  ['le', (a, b) => ops.lessEqual(a.round(), b.round()), [x, y]],
  ['gt', (a, b) => ops.greater(a, b), [x, y]],
  ['ge', (a, b) => ops.greaterEqual(a.round(), b.round()), [x, y]],
  ['and', (a, b) => ops.logicalAnd(a.greater(0), b.greater(0)), [x, y]],
  ['or', (a, b) => ops.logicalOr(a.greater(0), b.greater(0)), [x, y]],
  ['not', (a) => ops.logicalNot(a.greater(0)), [x]],
  ['select', (a, b) => ops.where(a.greater(0), a, b), [x, y]],
  ['cast', (a) => a.mul(3).cast('int32'), [x]],
  ['cast', (a) => a.round().cast('bool'), [x]],
  ['cast', (a) => a.cast('float32').mul(0.5), [input(['batch', 3], 'int32')]],
  ['sum', (a) => a.sum(1), [x]],
  ['sum', (a) => a.sum([1, 2]), [x]],
  ['sum', (a) => a.sum(2, { keepDims: true }).mul(a), [x]],
  ['sum', (a) => ops.transpose(a, [2, 0, 1]).sum(0), [x]],
  ['sum', (a) => ops.broadcastTo(a.sum(1, { keepDims: true }), a.shape).sum(1), [x]],
  ['reduceMax', (a) => ops.max(a, 1), [x]],
  ['reduceMin', (a) => ops.min(ops.transpose(a, [0, 2, 1]), [1, 2]), [x]],
  ['argmax', (a) => ops.argmax(a, 1), [x]],
  ['argmax', (a) => ops.argmax(a.round(), -1), [x]],
  ['reshape', (a) => a.reshape([-1, 12]), [x]],
  ['reshape', (a) => a.reshape([-1, 4]), [x]],
  ['reshape', (a) => a.reshape([a.shape[0]!, 1, 3, 1, 4]).add(1), [x]],
  ['reshape', (a) => ops.transpose(a, [0, 2, 1]).reshape([a.shape[0]!, 4, 1, 3]).reshape([-1, 4, 3]), [x]],
  ['transpose', (a) => ops.transpose(a, [1, 2, 0]), [x]],
  ['transpose', (a) => ops.transpose(ops.transpose(a, [0, 2, 1]).add(1), [0, 2, 1]), [x]],
  ['broadcast', (a) => ops.broadcastTo(a.sum([1, 2], { keepDims: true }), [a.shape[0]!, 2, 3]), [x]],
  ['broadcast', (a) => ops.broadcastTo(ops.tensor([1, 2], { dtype: 'float32' }), [a.shape[0]!, 2]), [x]],
  ['broadcast', (a) => a.add(ops.ones([4])).mul(ops.tensor([[1], [2], [3]], { dtype: 'float32' })), [x]],
  [
    'broadcast',
    (a) =>
      ops
        .transpose(a, [0, 2, 1])
        .add(ops.ones([3]))
        .mul(ops.transpose(a, [0, 2, 1])),
    [x],
  ],
  ['stopGradient', (a) => ops.stopGradient(a).mul(2), [x]],
  ['matmul', (a) => a.matmul(ops.transpose(table)), [x]],
  ['matmul', (a) => ops.matmul(a, table, { transposeB: true }), [x]],
  ['matmul', (a, b) => ops.matmul(a, b, { transposeA: true }), [x, y]],
  ['matmul', (a, b) => ops.matmul(a, b, { transposeB: true }), [x, y]],
  ['matmul', (a) => ops.matmul(a, ops.broadcastTo(table, a.shape), { transposeB: true }), [x]],
  ['gather', (a) => ops.gather(table, a), [input(['batch', 2], 'int32')]],
  ['conv2d', (a) => ops.conv2d(a, kernel), [image]],
  ['conv2d', (a) => ops.conv2d(a, kernel, { stride: 2, padding: 'valid' }), [image]],
  ['concatenate', (a) => ops.conv2d(a, kernel, { dilation: 2, padding: 2 }), [image]],
  [
    'conv2d',
    (a) => ops.conv2d(ops.conv2d(a, kernel).add(ops.arange(3)).relu(), ops.transpose(kernel, [0, 1, 3, 2])),
    [image],
  ],
  [
    'conv2dInputGrad',
    (a) => ops.convTranspose2d(a, ops.transpose(kernel, [0, 1, 2, 3]), { stride: 2 }),
    [image],
  ],
  [
    'conv2dInputGrad',
    (a) => ops.convTranspose2d(a, kernel, { stride: 3, padding: 1, outputPadding: 2 }),
    [image],
  ],
  ['place', (a) => ops.convTranspose2d(a, kernel, { dilation: 2, stride: 2, padding: 'valid' }), [image]],
  ['maxPool', (a) => ops.maxPool(a, 2), [image]],
  ['maxPool', (a) => ops.maxPool(a, [3, 2], { stride: [1, 2], padding: 1 }), [image]],
  ['sum', (a) => ops.avgPool(a, 2, { padding: 1 }), [image]],
  ['slice', (a) => a.slice([0, 1], [a.shape[0]!, 3], [1, 2]), [x]],
  ['slice', (a) => ops.transpose(a, [0, 2, 1]).slice([0, 1], [a.shape[0]!, 4]), [x]],
  [
    'slice',
    (a) => ops.broadcastTo(a.sum(1, { keepDims: true }), a.shape).slice([0, 1], [a.shape[0]!, 3]),
    [x],
  ],
  [
    'place',
    (a) =>
      ops.pad(a, [
        [0, 0],
        [1, 2],
        [0, 1],
      ]),
    [x],
  ],
  [
    'place',
    (a) =>
      ops.pad(ops.transpose(a, [0, 2, 1]), [
        [0, 0],
        [1, 2],
        [0, 1],
      ]),
    [x],
  ],
  ['concatenate', (a, b) => ops.concatenate([a, b, a], 2), [x, y]],
  ['flip', (a) => ops.flip(a, [1, 2]), [x]],
];

describe('each primitive in ONNX Runtime', () => {
  it.each(cases.map((one, i) => [i, ...one] as const))('%i: %s', async (_i, covers, f, inputs) => {
    const traced = ops.traceProgram(
      (...xs) => [f(...xs)],
      inputs.map(({ dtype, shape }) => ({ dtype, shape: shape.map((length) => Number(length) || 2) })),
    );
    expect(traced.equations.map(({ primitive }) => primitive)).toContain(covers);
    await expectSame(f, inputs, sample);
  });

  it('has a case for each entry of the table', () => {
    const covered = new Set(cases.map(([name]) => name));
    expect(Object.keys(lowerings).filter((name) => !covered.has(name))).toEqual([]);
  });
});
