/** A Latin hypercube: each parameter has a value in each of the sixteen parts of its range. */
import { defineSweep, minimize, search, space } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.integer(32, 256, { log: true }),
  },
  search: search.latinHypercube({ points: 16 }),
  objective: minimize('validation/loss'),
  trials: 16,
  epochs: 1,
  limitSamples: 5_120,
});
