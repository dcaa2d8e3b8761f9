/** Trials of which few go on at each rung, and some fail. */
import { defineSweep, minimize, search, space, stopping } from 'lockstep';

export default defineSweep({
  experiment: './rated.ts',
  space: { rate: space.logUniform(0.01, 1e30), width: space.integer(2, 9) },
  search: search.random(),
  stopping: stopping.successiveHalving({ min: 4, max: 36, trials: 12 }),
  objective: minimize('validation/loss'),
  ...{ trials: 12, repeats: 2, seed: 3 },
});
