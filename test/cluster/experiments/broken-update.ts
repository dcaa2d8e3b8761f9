/** The optimizer divides by 0 in the third update. No loss shows it, because no sample uses the parameter. */
import {
  defineExperiment,
  fromArrays,
  type GradientTransformation,
  type Tensor,
  tensor,
  where,
  zeros,
} from 'lockstep';

const broken: GradientTransformation = {
  init: () => [],
  update: (grads, state, _params, { step }) => {
    const { w } = grads as Record<string, Tensor>;
    return [{ w: w!.mul(-0.1), unused: where(step.equal(2), w!.div(0), w!.mul(0)) }, state];
  },
};

export default defineExperiment({
  data: fromArrays({ x: Array.from({ length: 64 }, () => [1]), y: Array.from({ length: 64 }, () => 0) }),
  init: () => ({ w: tensor(new Float32Array([3]), { shape: [] }), unused: zeros([]) }),
  loss: ({ w }, { x }) => x.squeeze(1).mul(w),
  optimizer: broken,
  batch: { size: 8, shards: 4 },
  steps: 8,
});
