/** Training step of a small convolutional net with batch norm on 28×28 images; beside torch/cnn.py. */
import {
  batchNorm,
  conv2d,
  defineExperiment,
  dense,
  flatten,
  maxPool,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';
import { createTrainer } from '../trainer.mjs';
import { randomData } from './random-data.mjs';

const BATCHES = 4;

const block = (channels) => [conv2d(channels, 3, { bias: false }), batchNorm(), relu];

const experiment = (size) =>
  defineExperiment({
    data: randomData(BATCHES * size, [28, 28, 1]),
    model: sequential(...block(32), ...block(32), maxPool(2), ...block(64), maxPool(2), flatten, dense(10)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.01, { momentum: 0.9 }),
    batch: { size },
  });

export const cnnRow = (size) => ({
  name: `cnn-${size}`,
  what: `CNN with batch norm, 28×28, SGD momentum, batch ${size}: a training step`,
  shards: [1, 8],
  torch: ['cnn.py', '--batch', `${size}`],
  async prepare(numShards) {
    const { step, loss } = await createTrainer(experiment(size), numShards);
    return { call: step, check: loss };
  },
});
