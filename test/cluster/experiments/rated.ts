/** A small experiment with declared parameters, for sweeps. A rate above 1 diverges. */
import {
  defineExperiment,
  dense,
  flatten,
  param,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment(
  { params: { rate: param.number(0.1, { min: 0 }), width: param.integer(4, { min: 1 }) } },
  ({ rate, width }) => ({
    data: quadrants(200),
    model: sequential(flatten, dense(width), relu, dense(4)),
    loss: softmaxCrossEntropy(),
    optimizer: sgd(rate),
    batch: { size: 16, shards: 8 },
    epochs: 3,
  }),
);
