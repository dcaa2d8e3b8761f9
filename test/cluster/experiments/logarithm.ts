/** The loss takes the logarithm of a weight that falls below 0 in the fourth step. */
import { defineExperiment, fromArrays, sgd, tensor } from 'lockstep';

export default defineExperiment({
  data: fromArrays({ x: Array.from({ length: 64 }, () => [1]), y: Array.from({ length: 64 }, () => 0) }),
  init: () => ({ w: tensor(new Float32Array([3]), { shape: [] }) }),
  loss: ({ w }, { x }) => {
    const logarithm = w.log();
    return x.squeeze(1).mul(logarithm.add(w));
  },
  optimizer: sgd(1),
  batch: { size: 8, shards: 4 },
  steps: 8,
});
