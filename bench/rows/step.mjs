/** Rows that call a training step, or its update, in one thread without sockets. */

import { timed } from '../measure.mjs';
import { adamOnly, NUM_PARAMETERS } from '../models/adam.mjs';
import { cnn } from '../models/cnn.mjs';
import { gpt } from '../models/gpt.mjs';
import { mlp } from '../models/mlp.mjs';
import { resnet18 } from '../models/resnet18.mjs';
import { createTrainer } from '../trainer.mjs';

const DEFAULT_SHARDS = 8;

/** Measures whole steps of an experiment with `numShards` shards. */
const steps = (name, experiment, numShards) => async (options) => {
  const { step, loss } = await createTrainer(experiment(), { numShards, profile: options.profile });
  return timed(name, step, loss, options);
};

/**
 * @param options `numShards`, default 8; `oneShard`: also measure one shard, to show the cost of several
 */
function stepRow(name, what, experiment, size, torch, { numShards = DEFAULT_SHARDS, oneShard = false } = {}) {
  return {
    name,
    rows: [{ name, what: `${what}, batch ${size}`, amount: size, unit: 'samples/s' }],
    contestants: {
      ours: { measure: steps(name, () => experiment(size), numShards) },
      ...(oneShard && { 'S=1': { measure: steps(name, () => experiment(size), 1) } }),
      torch: { python: torch },
    },
  };
}

const mlpRow = (size) =>
  stepRow(`mlp-${size}`, 'MLP 784-512-256-10', mlp, size, ['mlp.py', '--batch', `${size}`], {
    oneShard: size === 256,
  });

const adamName = 'adam-10m';
const adamRow = {
  name: adamName,
  rows: [{ name: adamName, what: "Adam's update of 10M parameters" }],
  contestants: {
    ours: {
      measure: async (options) => {
        const trainer = await createTrainer(adamOnly(), { numShards: 1, profile: options.profile });
        trainer.step();
        return timed(adamName, trainer.update, trainer.loss, options);
      },
    },
    torch: { python: ['adam.py', '--parameters', `${NUM_PARAMETERS}`] },
  },
};

export const stepGroups = [
  ...[32, 128, 256, 1024].map(mlpRow),
  stepRow('cnn-64', 'CNN with batch norm, 28×28', cnn, 64, ['cnn.py', '--batch', '64'], { oneShard: true }),
  stepRow(
    'resnet18-32',
    'ResNet-18, 32×32',
    resnet18,
    32,
    ['cnn.py', '--model', 'resnet18', '--batch', '32'],
    { oneShard: true },
  ),
  // Four shards divide the batch of twelve; with eight, some rows would be padding.
  stepRow('gpt-12', 'character GPT, AdamW, clipping', gpt, 12, ['gpt.py', '--batch', '12'], { numShards: 4 }),
  adamRow,
];
