/** Training steps of profile portable in WebAssembly, compared with other libraries in WebAssembly, one thread each. */

import { timed } from '../measure.mjs';
import { cnn } from '../models/cnn.mjs';
import { mlp } from '../models/mlp.mjs';
import { createTrainer } from '../trainer.mjs';

const SHARDS = 8;

function portableGroup(model, what, experiment, size) {
  const name = `portable-${model}`;
  return {
    name,
    rows: [
      {
        name,
        what: `${what}, batch ${size}, profile portable in WebAssembly`,
        amount: size,
        unit: 'samples/s',
      },
    ],
    contestants: {
      ours: {
        measure: async (options) => {
          // The setting is global, but this process has no other measurement.
          process.env.LOCKSTEP_BACKEND = 'wasm';
          const { step, loss } = await createTrainer(experiment(size), {
            numShards: SHARDS,
            profile: 'portable',
          });
          return timed(name, step, loss, options);
        },
      },
      'tfjs-wasm': { peer: ['tfjs.mjs', model, `${size}`] },
      'jax-js': { peer: ['jax-js.mjs', model, `${size}`] },
    },
  };
}

export const portableGroups = [
  portableGroup('mlp', 'MLP 784-512-256-10', mlp, 128),
  portableGroup('cnn', 'CNN with batch norm, 28×28', cnn, 64),
];
