/** An autoencoder with ghost batch norm: each shard is normalised by its own moments. */
import {
  batchNorm,
  conv2d,
  convTranspose2d,
  defineExperiment,
  leakyRelu,
  meanSquaredError,
  nadam,
  relu,
  sequential,
} from 'lockstep';
import { quadrants } from './quadrants.ts';

const meanSquared = meanSquaredError();

export default defineExperiment({
  data: quadrants(300),
  model: sequential(
    conv2d(4, 3, { stride: 2, bias: false }),
    batchNorm({ ghost: true }),
    leakyRelu,
    conv2d(2, 3, { stride: 2 }),
    convTranspose2d(4, 3, { stride: 2, bias: false }),
    batchNorm({ ghost: true }),
    relu,
    convTranspose2d(1, 4, { stride: 2 }),
  ),
  loss: (pictures, _labels, { x }) => meanSquared(pictures, x),
  optimizer: nadam(1e-2),
  batch: { size: 50, shards: 8 },
  epochs: 2,
});
