/** Every combination of three rates, two momenta and two widths, each with two seeds. */
import { defineSweep, minimize, search, space } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.01, 0.1),
    momentum: space.choice([0, 0.9]),
    width: space.choice([64, 128]),
  },
  search: search.grid({ points: { rate: 3 } }),
  objective: minimize('validation/loss'),
  trials: 12,
  repeats: 2,
  epochs: 1,
  limitSamples: 5_120,
});
