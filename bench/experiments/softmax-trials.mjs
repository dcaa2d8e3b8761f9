/** Trials of a small model: the softmax on MNIST with a learning rate that a trial sets. */
import {
  accuracy,
  defineExperiment,
  dense,
  flatten,
  mnist,
  param,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';

export default defineExperiment({ params: { rate: param.number(0.05) } }, ({ rate }) => ({
  data: mnist(),
  model: sequential(flatten, dense(10)),
  loss: softmaxCrossEntropy(),
  metrics: { accuracy },
  optimizer: sgd(rate, { momentum: 0.9 }),
  batch: { size: 256, shards: 8 },
  steps: 20,
}));
