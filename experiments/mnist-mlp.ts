/** Two hidden layers with the lecture's tricks: ReLU, He initialisation, clipped gradients, early stopping. */
import {
  accuracy,
  chain,
  clipByGlobalNorm,
  defineExperiment,
  dense,
  flatten,
  mnist,
  param,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';

export default defineExperiment(
  {
    params: {
      rate: param.number(0.05, { min: 0, help: 'step size of the updates' }),
      momentum: param.number(0.9, { min: 0, max: 1 }),
      width: param.integer(512, { min: 1, help: 'outputs of the first layer' }),
    },
  },
  ({ rate, momentum, width }) => ({
    data: mnist(),
    model: sequential(flatten, dense(width), relu, dense(256), relu, dense(10)),
    loss: softmaxCrossEntropy(),
    metrics: { accuracy },
    optimizer: chain(clipByGlobalNorm(5), sgd(rate, { momentum })),
    batch: { size: 256, shards: 8 },
    epochs: 8,
    earlyStopping: { metric: 'validation/loss', patience: 2 },
  }),
);
