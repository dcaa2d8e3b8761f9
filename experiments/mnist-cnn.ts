/** A small convolutional network on MNIST: batch norm synchronised over all workers, dropout, L2, clipping, Adam. */
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
  mnist,
  relu,
  sequential,
  softmaxCrossEntropy,
  warmupCosine,
} from 'lockstep';

export default defineExperiment({
  data: mnist(),
  model: sequential(
    conv2d(16, 3), batchNorm(), relu, maxPool(2),
    conv2d(32, 3), batchNorm(), relu, maxPool(2),
    flatten, dropout(0.25), dense(10),
  ),
  loss: softmaxCrossEntropy(),
  penalty: l2(1e-4),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(1), adam(warmupCosine({ peak: 2e-3, warmupSteps: 100 }))),
  batch: { size: 256, shards: 8 },
  epochs: 2,
  earlyStopping: { metric: 'validation/loss', patience: 2 },
});
