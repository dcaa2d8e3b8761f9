/** A convolution with enough channels that it and both gradients use Winograd tiles, some of them partly outside. */
import {
  batchNorm,
  conv2d,
  defineExperiment,
  dense,
  globalAvgPool,
  relu,
  sequential,
  sgd,
  softmaxCrossEntropy,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(80, { side: 7 }),
  model: sequential(conv2d(25, 3), batchNorm(), relu, conv2d(26, 3), relu, globalAvgPool, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: sgd(0.05, { momentum: 0.9 }),
  batch: { size: 8, shards: 8 },
});
