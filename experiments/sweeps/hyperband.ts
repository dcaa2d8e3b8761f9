/** Hyperband with the Parzen estimator (BOHB): brackets of 9, 5 and 3 trials, and each bracket is proposed from those before. */
import { defineSweep, minimize, search, space, stopping } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.integer(32, 256, { log: true }),
  },
  search: search.tpe({ startup: 9 }),
  stopping: stopping.hyperband({ min: 6, max: 54 }),
  objective: minimize('validation/loss'),
  trials: 17,
  limitSamples: 5_120,
});
