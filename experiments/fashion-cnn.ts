/** Four convolutions on pictures of clothes. */
import {
  accuracy,
  adamw,
  batchNorm,
  chain,
  clipByGlobalNorm,
  conv2d,
  defineExperiment,
  dense,
  dropout,
  fashionMnist,
  globalAvgPool,
  maxPool,
  relu,
  sequential,
  softmaxCrossEntropy,
  warmupCosine,
} from 'lockstep';

const block = (channels: number) => sequential(conv2d(channels, 3, { bias: false }), batchNorm(), relu);

export default defineExperiment({
  data: fashionMnist(),
  model: sequential(
    block(32),
    block(32),
    maxPool(2),
    block(64),
    block(64),
    maxPool(2),
    dropout(0.25),
    globalAvgPool,
    dense(10),
  ),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(1), adamw(warmupCosine({ peak: 4e-3, warmupSteps: 100 }))),
  batch: { size: 256, shards: 8 },
  epochs: 4,
});
