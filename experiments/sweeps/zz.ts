import { defineSweep, minimize, search, space } from 'lockstep';
export default defineSweep({
  experiment: '/tmp/wt/sweepux/experiments/mnist-mlp.ts',
  space: { rate: space.logUniform(0.005, 0.5), width: space.choice([32, 64]) },
  search: search.random(),
  objective: minimize('validation/loss'),
  trials: 6, seed: 1, epochs: 2, limitSamples: 12_800,
});
