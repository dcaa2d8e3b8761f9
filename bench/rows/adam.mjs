/** Adam's step on ten million parameters, with a gradient that is there already; beside torch/adam.py. */
import { adam, defineExperiment, dense, fromArrays, sequential } from 'lockstep';
import { createTrainer } from '../trainer.mjs';

const INPUTS = 1_000;
const UNITS = 10_000;

/** One dense kernel [1000, 10000]; the loss matters only in giving it a gradient. */
const experiment = () =>
  defineExperiment({
    data: fromArrays({ x: [new Float32Array(INPUTS).fill(0.5)], y: [0] }),
    model: sequential(dense(UNITS, { bias: false })),
    loss: (outputs) => outputs.square().sum(1),
    optimizer: adam(1e-3),
    batch: { size: 1 },
  });

export const adamRow = {
  name: 'adam-10m',
  what: 'Adam on 10M parameters: the update alone',
  shards: [1],
  torch: ['adam.py', '--parameters', `${INPUTS * UNITS}`],
  async prepare(numShards) {
    const { step, update, loss } = await createTrainer(experiment(), numShards);
    step();
    return { call: update, check: loss };
  },
};
