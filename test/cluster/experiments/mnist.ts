/** Real digits, whose bytes are scaled when a batch is gathered; few enough steps for a test. */
import {
  accuracy,
  adam,
  batchNorm,
  chain,
  clipByGlobalNorm,
  constant,
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
} from 'lockstep';

export default defineExperiment({
  data: mnist({ validation: 500 }),
  model: sequential(
    conv2d(4, 5, { stride: 2 }),
    batchNorm(),
    relu,
    maxPool(2),
    flatten,
    dropout(0.25),
    dense(10),
  ),
  loss: softmaxCrossEntropy(),
  penalty: l2(1e-4),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(1), adam(constant(3e-3))),
  batch: { size: 100, shards: 8 },
  epochs: 1,
});
