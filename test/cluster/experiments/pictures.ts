/** Batches large enough to be loaded ahead, and evaluations of more batches than the loader can hold. */
import { constant, defineExperiment, dense, flatten, sequential, sgd, softmaxCrossEntropy } from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(400, { side: 64, validation: 0.4 }),
  model: sequential(flatten, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: sgd(constant(1e-3)),
  batch: { size: 64, shards: 8 },
});
