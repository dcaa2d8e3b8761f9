/** As little work a step as there can be: what counts is how many there are. */
import { adam, constant, defineExperiment, dense, flatten, sequential, softmaxCrossEntropy } from 'lockstep';
import { quadrants } from './quadrants.ts';

export default defineExperiment({
  data: quadrants(100),
  model: sequential(flatten, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: adam(constant(1e-3)),
  batch: { size: 8, shards: 8 },
});
