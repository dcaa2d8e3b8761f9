/**
 * A small network with everything that could depend on the division of the work: batch norm over all workers, dropout,
 * a penalty, clipping by the global norm, Adam. A batch of 100 is not divisible by 8, and 950 samples end in half a batch.
 */
import {
  accuracy,
  adam,
  batchNorm,
  chain,
  clipByGlobalNorm,
  conv2d,
  defineExperiment,
  dense,
  dropout,
  flatten,
  l2,
  maxPool,
  relu,
  sequential,
  softmaxCrossEntropy,
  warmupCosine,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(1250),
  model: sequential(conv2d(4, 3), batchNorm(), relu, maxPool(2), flatten, dropout(0.25), dense(4)),
  loss: softmaxCrossEntropy(),
  penalty: l2(1e-4),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(1), adam(warmupCosine({ peak: 1e-2, warmupSteps: 5 }))),
  batch: { size: 100, shards: 8 },
  epochs: 3,
});
