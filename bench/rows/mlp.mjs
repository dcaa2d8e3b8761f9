/** Training step of the MLP 784-512-256-10: relu, cross entropy, SGD with momentum 0.9; beside torch/mlp.py. */
import { defineExperiment, dense, relu, sequential, sgd, softmaxCrossEntropy } from 'lockstep';
import { createTrainer } from '../trainer.mjs';
import { randomData } from './random-data.mjs';

const BATCHES = 8;

const experiment = (size) =>
  defineExperiment({
    data: randomData(BATCHES * size, [784]),
    model: sequential(dense(512), relu, dense(256), relu, dense(10)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(0.01, { momentum: 0.9 }),
    batch: { size },
  });

export const mlpRow = (size) => ({
  name: `mlp-${size}`,
  what: `MLP 784-512-256-10, SGD momentum, batch ${size}: a training step`,
  shards: [1, 8],
  torch: ['mlp.py', '--batch', `${size}`],
  async prepare(numShards) {
    const { step, loss } = await createTrainer(experiment(size), numShards);
    return { call: step, check: loss };
  },
});
