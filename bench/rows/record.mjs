/** What recording costs a training step of one process: the same step with and without a record, in turn. */

import { quantile } from '../measure.mjs';
import { cnn } from '../models/cnn.mjs';
import { mlp } from '../models/mlp.mjs';
import { createTrainer } from '../trainer.mjs';

const NUM_SHARDS = 8;
const WARM_UP_STEPS = 20;

/** Steps of each mode that make one figure: the machine drifts more slowly, and one step that it interrupts counts little. */
const STEPS_PER_FIGURE = 15;
const LEAST_FIGURES = 5;

/** `every`: one in so many steps of a run does it. */
const modes = [
  { name: 'chain', option: '--record chain', options: { record: 'chain' }, every: 1 },
  { name: 'full', option: '--record full', options: { record: 'full' }, every: 1 },
  { name: 'histograms', option: '--histograms', options: { histograms: true }, every: 50 },
];

const rowName = (model, { name }) => `record-${model}-${name}`;

/** Figures by row: per cent of the time without a record. */
const measure =
  (model, experiment) =>
  async ({ profile, seconds }) => {
    const trainers = [];
    for (const options of [{}, ...modes.map(({ options }) => options)])
      trainers.push(await createTrainer(experiment(), { numShards: NUM_SHARDS, profile, ...options }));
    for (let step = 0; step < WARM_UP_STEPS; step++) for (const { step: run } of trainers) run();
    const figures = Object.fromEntries(modes.map((mode) => [rowName(model, mode), []]));
    const end = performance.now() + 1e3 * seconds;
    for (let i = 0; i < LEAST_FIGURES || performance.now() < end; i++) {
      const [off, ...recorded] = medians(trainers);
      for (const [at, mode] of modes.entries())
        figures[rowName(model, mode)].push((100 * (recorded[at] / off - 1)) / mode.every);
    }
    return figures;
  };

/** The median time of a step of each trainer, whose steps take turns in changing order. */
function medians(trainers) {
  const times = trainers.map(() => []);
  for (let i = 0; i < STEPS_PER_FIGURE; i++) {
    for (let turn = 0; turn < trainers.length; turn++) {
      const at = (i + turn) % trainers.length;
      const start = performance.now();
      trainers[at].step();
      times[at].push(performance.now() - start);
    }
  }
  return times.map((list) => quantile(list, 0.5));
}

const recordGroup = (model, what, experiment) => ({
  name: `record-${model}`,
  rows: modes.map((mode) => ({
    name: rowName(model, mode),
    what: `time that ${mode.option} adds to a step, ${what}`,
    measured: '%',
  })),
  contestants: { ours: { measure: measure(model, experiment) } },
});

export const recordGroups = [
  recordGroup('mlp-128', 'MLP 784-512-256-10, batch 128', () => mlp(128)),
  recordGroup('cnn-64', 'CNN with batch norm, 28×28, batch 64', () => cnn(64)),
];
