/** Successive halving: 24 trials of 6 steps with two seeds each, of which the best 8 go on to 18 steps and the best 2 to 54. */
import { defineSweep, minimize, search, space, stopping } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.integer(32, 256, { log: true }),
  },
  search: search.random(),
  stopping: stopping.successiveHalving({ min: 6, max: 54, trials: 24 }),
  objective: minimize('validation/loss'),
  trials: 24,
  repeats: 2,
  limitSamples: 5_120,
});
