import * as ops from '@lockstep/autodiff';
import { type Tensor, tensor } from '@lockstep/autodiff';
import { fillBatch, mnist, type Split } from '@lockstep/data';
import * as nn from '@lockstep/nn';
import { leafPaths } from '@lockstep/tree';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from './export.ts';
import { check, python } from './fixtures/checker.ts';
import { expectLayers } from './fixtures/models.ts';
import { expectClose, runModel, sample } from './fixtures/runtime.ts';
import { exportModel, initialVariables, tensorsOf } from './model.ts';

/** All models of this file, for one run of the checker, which starts slowly. */
const models: Uint8Array[] = [];

/** The characters of a text, `length` of them per row. */
function tokens(text: string, length: number): Tensor {
  const rows = Math.floor(text.length / length);
  const codes = Array.from({ length: rows * length }, (_, i) => text.charCodeAt(i) % 64);
  return tensor(Int32Array.from(codes), { shape: [rows, length] });
}

let digits: Split;
// Loading MNIST reads all of its files and checks their checksums, which takes long.
beforeAll(async () => {
  digits = (await mnist().load({ limitSamples: 16 })).splits.train;
});

describe('networks, in ONNX Runtime', () => {
  it('a convolutional network on digits', async () => {
    const batch = (rows: number): Tensor => {
      const x = new Float32Array(rows * 784);
      fillBatch(
        digits,
        Int32Array.from({ length: rows }, (_, i) => i),
        { x },
      );
      return tensor(x, { shape: [rows, 28, 28, 1] });
    };
    const layers = [
      ...[nn.conv2d(8, 3), nn.batchNorm(), nn.relu, nn.maxPool(2)],
      ...[nn.conv2d(16, 3, { stride: 2 }), nn.batchNorm(), nn.relu, nn.maxPool(2)],
      ...[nn.flatten, nn.dropout(0.5), nn.dense(10)],
    ];
    const input = { dtype: 'float32', shape: [28, 28, 1] } as const;
    const { operators, outputs, bytes } = await expectLayers(layers, input, [1, 2, 16].map(batch));
    models.push(bytes);
    expect(outputs).toEqual([{ name: 'output', dtype: 'float32', shape: ['batch', 10] }]);
    // One Transpose into ONNX's order of axes, one back before the flatten, none in between.
    expect(operators).toEqual({
      ...{ Transpose: 2, Conv: 2, Relu: 2, MaxPool: 2, Reshape: 1, MatMul: 1 },
      ...{ Add: 5, Sub: 2, Mul: 2 },
    });
  });

  it('a transformer on text', async () => {
    const layers = [
      ...[nn.embedding(64, 16), nn.positionalEmbedding(8)],
      ...[nn.transformerBlock(16, 4, { causal: true, dropout: 0.1 }), nn.transformerBlock(16, 2)],
      ...[nn.layerNorm(), nn.dense(64)],
    ];
    const texts = ['Call me Ishmael.', 'Some years ago—never mind how long precisely'];
    const batches = texts.map((text) => tokens(text, 8));
    models.push((await expectLayers(layers, { dtype: 'int32', shape: [8] }, batches)).bytes);
  });

  it('recurrent networks on text', async () => {
    const batches = [tokens('It was the best of times', 6)];
    for (const layer of [
      nn.lstm(6, { layers: 2 }),
      nn.gru(5, { bidirectional: true }),
      nn.rnn(4, { output: 'last' }),
    ]) {
      const layers = [nn.embedding(64, 8), layer, nn.dense(5)];
      models.push((await expectLayers(layers, { dtype: 'int32', shape: [6] }, batches)).bytes);
    }
  });
});

describe('every layer, in ONNX Runtime', () => {
  const { conv2d, residual, relu } = nn;
  const ofImages: Readonly<Record<string, nn.LayerLike>> = {
    dilated: conv2d(4, 3, { dilation: 2 }),
    grouped: conv2d(4, 3, { groups: 2 }),
    depthwise: nn.depthwiseConv2d(3),
    transposed: nn.convTranspose2d(3, 3, { stride: 2 }),
    'average pool': nn.avgPool(3, { stride: 2, padding: 1, countIncludePad: false }),
    'padded maximum pool': nn.maxPool(3, { stride: 2, padding: 1 }),
    'adaptive average pool': nn.adaptiveAvgPool([3, 2]),
    'adaptive maximum pool': nn.adaptiveMaxPool(2),
    'global average pool': nn.globalAvgPool,
    'global maximum pool': nn.globalMaxPool,
    'group norm': nn.groupNorm(2),
    'instance norm': nn.instanceNorm(),
    'ghost batch norm': nn.batchNorm({ ghost: true }),
    'spatial dropout': nn.spatialDropout(0.3),
    residual: residual(conv2d(4, 3), relu),
    parallel: nn.parallel('concat', conv2d(2, 1), nn.avgPool(1)),
    frozen: nn.frozen(conv2d(2, 3)),
    permute: nn.permute(2, 0, 1),
  };
  it.each(Object.entries(ofImages))('of images: %s', async (_name, layer) => {
    const shape = [7, 6, 4];
    const x = sample({ name: 'x', dtype: 'float32', shape: ['batch', ...shape] }, 3);
    await expectLayers([layer], { dtype: 'float32', shape }, [x]);
  });

  const ofSequences: Readonly<Record<string, nn.LayerLike>> = {
    convolution: nn.conv1d(5, 3, { stride: 2 }),
    transposed: nn.convTranspose1d(5, 3, { stride: 2 }),
    'maximum pool': nn.maxPool1d(2),
    'average pool': nn.avgPool1d(2),
    'adaptive average pool': nn.adaptiveAvgPool1d(3),
    attention: nn.multiHeadAttention(8, 2),
    'layer norm': nn.layerNorm(),
    'RMS norm': nn.rmsNorm(),
    positions: nn.sinusoidalPositions(),
  };
  it.each(Object.entries(ofSequences))('of sequences: %s', async (_name, layer) => {
    const shape = [7, 4];
    const x = sample({ name: 'x', dtype: 'float32', shape: ['batch', ...shape] }, 3);
    await expectLayers([layer], { dtype: 'float32', shape }, [x]);
  });
});

it('every activation, in ONNX Runtime', async () => {
  const { celu, elu, gelu, hardSigmoid, hardSwish, hardTanh, leakyRelu, logSigmoid, mish } = ops;
  const { relu6, selu, silu, softmax, softplus, softsign } = ops;
  const plain = [celu, elu, gelu, hardSigmoid, hardSwish, hardTanh, leakyRelu, logSigmoid, mish];
  const more = [relu6, selu, silu, softmax, softplus, softsign];
  const input = { name: 'x', dtype: 'float32', shape: ['batch', 50] } as const;
  const x = sample(input, 2).mul(5);
  const f = (a: Tensor): Tensor[] => [...plain, ...more].map((activation) => activation(a));
  const [found] = (await runModel(exportOnnx(f, { inputs: [input] }), [[x]])) as [Tensor[]];
  for (const [i, expected] of f(x).entries()) expectClose(found[i]!, expected, `activation ${i}`);
});

it.skipIf(python === undefined)(
  'the checker of ONNX accepts the networks',
  () => {
    expect(check(models)).toHaveLength(5);
  },
  30_000,
);

describe('exportModel', () => {
  it('accepts the structure of trained variables', () => {
    const model = nn.sequential(nn.dense(3), nn.relu, nn.batchNorm());
    expect(leafPaths(initialVariables(model, [4]))).toEqual([
      ...['params/0/bias', 'params/0/kernel', 'params/2/beta', 'params/2/gamma'],
      ...['state/2/mean', 'state/2/variance'],
    ]);
  });

  it('names the operation that has no operator in ONNX', () => {
    const model = nn.sequential(nn.dense(3), (x: Tensor) => ops.logGamma(x.sigmoid()));
    const variables = initialVariables(model, [4]);
    expect(() => exportModel(model, variables, { input: { dtype: 'float32', shape: [4] } })).toThrow(
      "onnx: 'logGamma' of float32[batch, 3] has no operator in ONNX",
    );
  });
});

it('arrays of a file keep their types, conditions as bool', () => {
  const hits = { dtype: 'bool', shape: [2], data: Uint8Array.of(1, 0) } as const;
  const { dtype, shape, data } = tensorsOf({ hits }).hits!;
  expect({ dtype, shape, data }).toEqual(hits);
});
