/** Momentum with a learning rate that changes after a step. */
import {
  batchNorm,
  defineExperiment,
  dense,
  dropout,
  flatten,
  param,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
  where,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment(
  { params: { rate: param.number(0.1), later: param.number(0.1), at: param.integer(0) } },
  ({ rate, later, at }) => ({
    data: quadrants(100),
    model: sequential(flatten, dense(8), batchNorm(), relu, dropout(0.25), dense(4)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd((step) => where(step.less(at), rate, later), { momentum: 0.9 }),
    batch: { size: 20, shards: 8 },
    epochs: 6,
    earlyStopping: { metric: 'validation/loss', patience: 9 },
  }),
);
