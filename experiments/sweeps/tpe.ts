/** The tree-structured Parzen estimator: it tries more often what was good before. */
import { defineSweep, maximize, search, space } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.integer(32, 256, { log: true }),
  },
  search: search.tpe(),
  objective: maximize('validation/accuracy'),
  trials: 24,
  generation: 4,
  repeats: 2,
  epochs: 1,
  limitSamples: 5_120,
});
