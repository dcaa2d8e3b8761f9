/** Gradients fill several buckets; the first is exchanged while the backward pass still runs. */
import {
  constant,
  defineExperiment,
  dense,
  flatten,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(100),
  model: sequential(flatten, dense(600), relu, dense(600), relu, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: sgd(constant(1e-2)),
  batch: { size: 16, shards: 8 },
});
