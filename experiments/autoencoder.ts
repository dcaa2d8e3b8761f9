/** An autoencoder of digits: strided convolutions to a code of 16 numbers, transposed convolutions back. Labels are the inputs. */
import {
  adamw,
  conv2d,
  convTranspose2d,
  defineExperiment,
  dense,
  flatten,
  meanSquaredError,
  mnist,
  relu,
  sequential,
  unflatten,
  warmupCosine,
} from 'lockstep';

const CODE = 16;

const encoder = sequential(
  conv2d(16, 3, { stride: 2 }),
  relu,
  conv2d(32, 3, { stride: 2 }),
  relu,
  flatten,
  dense(CODE),
);
const decoder = sequential(
  dense(7 * 7 * 32),
  relu,
  unflatten(7, 7, 32),
  convTranspose2d(16, 4, { stride: 2, padding: 1 }),
  relu,
  convTranspose2d(1, 4, { stride: 2, padding: 1 }),
);
const squared = meanSquaredError();

export default defineExperiment({
  data: mnist(),
  model: sequential(encoder, decoder),
  loss: (outputs, _labels, { x }) => squared(outputs, x),
  optimizer: adamw(warmupCosine({ peak: 3e-3, warmupSteps: 100 })),
  batch: { size: 128, shards: 8 },
  epochs: 3,
});
