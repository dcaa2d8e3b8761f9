/** The time to compile an experiment that differs from the one before it in numbers only, with a cache and without. */

import { exportPrograms } from '@lockstep/run';
import { compilePrograms, createPlanCache, resolveConfig } from '@lockstep/training';
import { defineExperiment, sgd } from 'lockstep';
import { sample } from '../measure.mjs';
import { cnn } from '../models/cnn.mjs';
import { mlp } from '../models/mlp.mjs';

const MAX_PLANS = 16;

/** Compiles the programs of blocks of one shard and of all shards, each time with another rate and another length. */
const compilations =
  (model, { isCached }) =>
  async ({ seconds }) => {
    const experiment = model();
    const dataset = await experiment.data.load();
    const cache = isCached ? createPlanCache({ maxPlans: MAX_PLANS }) : undefined;
    let count = 0;
    return sample(() => {
      count++;
      const optimizer = sgd(0.01 + count * 1e-6, { momentum: 0.9 });
      const trial = defineExperiment({ ...experiment, optimizer });
      const config = resolveConfig(trial, { steps: count });
      exportPrograms(compilePrograms(trial, dataset, config, count, { cache }), [1, config.numShards]);
    }, seconds);
  };

const compileGroup = (name, what, model) => ({
  name,
  rows: [{ name, what: `compilation of the ${what} with another rate` }],
  contestants: {
    ours: { measure: compilations(model, { isCached: true }) },
    'no cache': { measure: compilations(model, { isCached: false }) },
  },
});

export const compileGroups = [
  compileGroup('compile-mlp', 'MLP 784-512-256-10', () => mlp(128)),
  compileGroup('compile-cnn', 'CNN with batch norm', () => cnn(64)),
];
