/** A learning rate that depends on the length of the run. */
import { adam, cosine, defineExperiment, dense, flatten, sequential, softmaxCrossEntropy } from 'lockstep';
import { quadrants } from './quadrants.ts';

export const rate = cosine({ peak: 0.05 });

export default defineExperiment({
  data: quadrants(100),
  model: sequential(flatten, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: adam(rate),
  batch: { size: 20, shards: 8 },
  steps: 10,
});
