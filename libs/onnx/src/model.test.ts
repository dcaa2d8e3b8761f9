import { type Tensor, tensor } from '@lockstep/autodiff';
import { fillBatch, mnist, type Split } from '@lockstep/data';
import {
  batchNorm,
  conv2d,
  convTranspose2d,
  dense,
  dropout,
  embedding,
  flatten,
  globalAvgPool,
  groupNorm,
  type Layer,
  layerNorm,
  lstm,
  maxPool,
  multiHeadAttention,
  relu,
  residual,
  sequential,
} from '@lockstep/nn';
import { leafPaths, flatten as leavesOf, map } from '@lockstep/tree';
import { beforeAll, describe, expect, it } from 'vitest';
import { check, python } from './fixtures/checker.ts';
import { expectClose, runModel, sample } from './fixtures/runtime.ts';
import { exportModel, initialVariables, type ModelExportOptions, type Variables } from './model.ts';

const key = tensor(Uint32Array.of(3, 4));

/** For the checker, which takes long to start. */
const models: Uint8Array[] = [];

/** Parameters and state as after training: none at its first value. */
function trained(model: Layer, input: readonly number[]): Variables {
  const { params, state } = model.init(key, input);
  let next = 0;
  const moved = (x: Tensor): Tensor =>
    x.add(
      sample({ name: '', dtype: 'float32', shape: [next++ + 1, ...x.shape] }, 1)
        .at(-1)
        .add(1.6)
        .mul(0.1),
    );
  return { params: map(moved, params as Tensor[]), state: map(moved, state as Tensor[]) };
}

async function expectModel(
  model: Layer,
  input: ModelExportOptions['input'],
  batches: readonly Tensor[],
): Promise<ReturnType<typeof exportModel>> {
  const variables = trained(model, input.shape);
  const names = leafPaths(variables).map((name, i) => [name, leavesOf(variables).leaves[i] as Tensor]);
  const exported = exportModel(model, variables, { input, names: Object.fromEntries(names) });
  const results = await runModel(
    exported,
    batches.map((x) => [x]),
  );
  for (const [i, x] of batches.entries()) {
    const context = { training: false, key, weights: tensor(new Float32Array(x.shape[0]!).fill(1)) };
    const [expected] = model.apply(variables.params as never, variables.state as never, x, context);
    expectClose(results[i]![0]!, expected, `a batch of ${x.shape[0]}`);
  }
  models.push(exported.bytes);
  return exported;
}

const images = (rows: number, shape: readonly number[]): Tensor =>
  sample({ name: 'x', dtype: 'float32', shape: ['batch', ...shape] }, rows);

/** Characters of a text, a row each `length` of them. */
function tokens(text: string, length: number): Tensor {
  const rows = Math.floor(text.length / length);
  const codes = Array.from({ length: rows * length }, (_, i) => text.charCodeAt(i) % 64);
  return tensor(Int32Array.from(codes), { shape: [rows, length] });
}

let images16: Split;
// All of the files are read and their checksums taken.
beforeAll(async () => {
  images16 = (await mnist().load({ limitSamples: 16 })).splits.train;
}, 60_000);

describe('models of layers, in ONNX Runtime', () => {
  it('a convolutional network on digits', async () => {
    const digits = (rows: number): Tensor => {
      const x = new Float32Array(rows * 784);
      fillBatch(
        images16,
        Int32Array.from({ length: rows }, (_, i) => i),
        { x },
      );
      return tensor(x, { shape: [rows, 28, 28, 1] });
    };
    const model = sequential(
      ...[conv2d(8, 3), batchNorm(), relu, maxPool(2)],
      ...[conv2d(16, 3, { stride: 2 }), batchNorm(), relu, maxPool(2)],
      ...[flatten, dropout(0.5), dense(10)],
    );
    const input = { dtype: 'float32', shape: [28, 28, 1] } as const;
    const { operators, outputs } = await expectModel(model as Layer, input, [1, 2, 16].map(digits));
    expect(outputs).toEqual([{ name: 'output', dtype: 'float32', shape: ['batch', 10] }]);
    // One into ONNX's order of channels, one out of it where pixels are flattened; none in between.
    expect(operators).toEqual({
      ...{ Transpose: 2, Conv: 2, Relu: 2, MaxPool: 2, Reshape: 1, MatMul: 1 },
      ...{ Add: 5, Sub: 2, Mul: 2 },
    });
  });

  it('a transformer on text', async () => {
    const gelu = (x: Tensor): Tensor => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);
    const block = [
      residual(layerNorm(), multiHeadAttention(16, 4, { causal: true, dropout: 0.1 })),
      residual(layerNorm(), dense(32), gelu, dense(16)),
    ];
    const model = sequential(embedding(64, 16), ...block, ...block, layerNorm(), dense(64));
    const batches = ['Call me Ishmael.', 'Some years ago—never mind how long precisely'].map((text) =>
      tokens(text, 8),
    );
    await expectModel(model as Layer, { dtype: 'int32', shape: [8] }, batches);
  });

  it('a recurrent network', async () => {
    const model = sequential(embedding(64, 8), lstm(12), dense(5));
    await expectModel(model as Layer, { dtype: 'int32', shape: [6] }, [
      tokens('It was the best of times', 6),
    ]);
  });

  it('residual branches, group norm, transposed convolution', async () => {
    const model = sequential(
      ...[conv2d(8, 3), residual(groupNorm(2), relu, conv2d(8, 3)), convTranspose2d(4, 3, { stride: 2 })],
      ...[relu, globalAvgPool, dense(3)],
    );
    const shape = [6, 5, 2];
    await expectModel(model as Layer, { dtype: 'float32', shape }, [images(1, shape), images(3, shape)]);
  });
});

it.skipIf(python === undefined)(
  'they are what ONNX’s checker accepts',
  () => {
    expect(check(models)).toHaveLength(4);
  },
  30_000,
);

describe('exportModel', () => {
  it('makes the form that trained variables have', () => {
    const model = sequential(dense(3), relu, batchNorm()) as Layer;
    expect(leafPaths(initialVariables(model, [4]))).toEqual([
      ...['params/0/bias', 'params/0/kernel', 'params/2/beta', 'params/2/gamma'],
      ...['state/2/mean', 'state/2/variance'],
    ]);
  });
});
