/** Trials whose proposals depend on results, some of which fail. */
import { defineSweep, minimize, search, space } from 'lockstep';

export default defineSweep({
  experiment: './rated.ts',
  space: { rate: space.logUniform(0.01, 1e30), width: space.integer(2, 9) },
  search: search.tpe(),
  objective: minimize('validation/loss'),
  ...{ trials: 10, repeats: 2, generation: 4, seed: 3 },
});
