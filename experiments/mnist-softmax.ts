/** Logistic regression with ten classes: one dense layer, L2 in the loss as in the lecture. */
import {
  accuracy,
  defineExperiment,
  dense,
  flatten,
  l2,
  mnist,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';

export default defineExperiment({
  data: mnist(),
  model: sequential(flatten, dense(10)),
  loss: softmaxCrossEntropy(),
  penalty: l2(1e-4),
  metrics: { accuracy },
  optimizer: sgd(0.05, { momentum: 0.9 }),
  batch: { size: 256, shards: 8 },
  epochs: 5,
});
