/** Reads from the environment what no hash of the code covers: the learning rate, and whether the data exist. */
import { defineExperiment, dense, flatten, sequential, sgd, softmaxCrossEntropy } from 'lockstep';
import { quadrants } from './quadrants.ts';

const { LOCKSTEP_TEST_RATE: rate = '0.05', LOCKSTEP_TEST_NO_DATA: noData } = process.env;
const source = quadrants(1250);

export default defineExperiment({
  data: {
    ...source,
    load: (options) => {
      if (noData !== undefined) throw new Error('ENOENT: no such file, open pictures.npz');
      return source.load(options);
    },
  },
  model: sequential(flatten, dense(4)),
  loss: softmaxCrossEntropy(),
  optimizer: sgd(Number(rate)),
  batch: { size: 100, shards: 8 },
  epochs: 3,
});
