/**
 * A small network whose steps take a worker about a tenth of a second, so that few pass while a job starts. Its rate does not depend
 * on the length of the run: each step is the end of a shorter run.
 */
import {
  accuracy,
  adam,
  batchNorm,
  conv2d,
  defineExperiment,
  dense,
  dropout,
  flatten,
  maxPool,
  relu,
  sequential,
  softmaxCrossEntropy,
} from 'lockstep';
import { quadrants } from '../cluster/experiments/quadrants.ts';

export default defineExperiment({
  data: quadrants(1250, { side: 32 }),
  model: sequential(conv2d(16, 3), batchNorm(), relu, maxPool(2), flatten, dropout(0.25), dense(4)),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: adam(1e-3),
  batch: { size: 250, shards: 8 },
});
