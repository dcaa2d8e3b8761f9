/** Two hidden layers with the lecture's tricks: ReLU, He initialisation, clipped gradients, early stopping. */
import {
  accuracy,
  chain,
  clipByGlobalNorm,
  defineExperiment,
  dense,
  flatten,
  mnist,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';

export default defineExperiment({
  data: mnist(),
  model: sequential(flatten, dense(512), relu, dense(256), relu, dense(10)),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: chain(clipByGlobalNorm(5), sgd(0.05, { momentum: 0.9 })),
  batch: { size: 256, shards: 8 },
  epochs: 8,
  earlyStopping: { metric: 'validation/loss', patience: 2 },
});
