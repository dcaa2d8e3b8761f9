/** Eight short runs of the perceptron on MNIST: a first look at rates and widths, in some ten seconds on two cores. */
import { defineSweep, minimize, search, space } from 'lockstep';

export default defineSweep({
  experiment: '../mnist-mlp.ts',
  space: {
    rate: space.logUniform(0.005, 0.5),
    momentum: space.uniform(0, 0.95),
    width: space.choice([32, 64, 128]),
  },
  search: search.random(),
  objective: minimize('validation/loss'),
  trials: 8,
  seed: 1,
  epochs: 1,
  limitSamples: 2_560,
});
