/** The least work possible in a step, for tests of many steps. */
import { adam, constant, defineExperiment, dense, flatten, sequential, softmaxCrossEntropy } from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(100),
  model: sequential(flatten, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: adam(constant(1e-3)),
  batch: { size: 8, shards: 8 },
});
