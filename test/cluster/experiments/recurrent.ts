/** A recurrent network over the rows of a picture: loops in the forward and the backward pass. */
import {
  adam,
  conv1d,
  defineExperiment,
  dense,
  gru,
  lstm,
  sequential,
  softmaxCrossEntropy,
  unflatten,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(300),
  model: sequential(
    unflatten(8, 8),
    conv1d(6, 3),
    lstm(5, { bidirectional: true }),
    gru(6, { output: 'last' }),
    dense(4),
  ),
  loss: softmaxCrossEntropy(),
  optimizer: adam(1e-2),
  batch: { size: 50, shards: 8 },
  epochs: 2,
});
