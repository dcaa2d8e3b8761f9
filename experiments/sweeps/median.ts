/** The median rule: a trial is stopped if it is worse, after 10, 20 or 30 steps, than half of the complete trials before it. */
import { defineSweep, minimize, search, space, stopping } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.integer(32, 256, { log: true }),
  },
  search: search.tpe({ startup: 6 }),
  stopping: stopping.median({ min: 10, max: 40, minTrials: 4 }),
  objective: minimize('validation/loss'),
  trials: 16,
  limitSamples: 5_120,
});
