/** Dense layers with batch norm on pictures of clothes. */
import {
  accuracy,
  adamw,
  batchNorm,
  defineExperiment,
  dense,
  dropout,
  fashionMnist,
  flatten,
  relu,
  sequential,
  softmaxCrossEntropy,
  warmupCosine,
} from 'lockstep';

export default defineExperiment({
  data: fashionMnist(),
  model: sequential(
    flatten,
    dense(512, { bias: false }),
    batchNorm(),
    relu,
    dropout(0.2),
    dense(256, { bias: false }),
    batchNorm(),
    relu,
    dense(10),
  ),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: adamw(warmupCosine({ peak: 3e-3, warmupSteps: 100 })),
  batch: { size: 256, shards: 8 },
  epochs: 10,
});
