/** CMA-ES, an evolution strategy for numbers; its space has no choices. */
import { defineSweep, minimize, search, space } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.integer(32, 256, { log: true }),
  },
  search: search.cmaEs(),
  objective: minimize('validation/loss'),
  trials: 24,
  generation: 6,
  epochs: 1,
  limitSamples: 5_120,
});
