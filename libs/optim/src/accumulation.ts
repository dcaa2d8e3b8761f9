/** Updates every n-th step, from the mean of the gradients since the last. */
import { type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { choose, type GradientTransformation, modulo, type TensorTree } from './transformation.ts';

export type AccumulationState<S> = {
  /** Mean of the gradients since the last update, and of the losses. */
  readonly mean: TensorTree;
  readonly meanLoss: Tensor;
  readonly inner: S;
};

/**
 * Hands the mean gradient of `every` steps to the inner optimizer, whose state and parameters move at the last of them;
 * the others' updates are 0. The inner one counts its own updates as steps. A rest of steps at the end of a run, fewer
 * than `every`, is not applied.
 */
export function accumulateGradients<S extends TensorTree>(
  every: number,
  inner: GradientTransformation<S>,
): GradientTransformation<AccumulationState<S>> {
  check('accumulateGradients', 'period', { every });
  return {
    init: (params) => ({ mean: map(zerosLike, params), meanLoss: zeros([]), inner: inner.init(params) }),
    update(grads, state, params, { step, totalSteps, loss }) {
      const index = modulo(step, every);
      // A running mean: of equal gradients it is that gradient, to the bit.
      const join = (mean: Tensor, value: Tensor): Tensor =>
        mean.add(value.sub(mean).div(index.add(1).cast(mean.dtype)));
      const mean = map(join, state.mean, grads);
      const meanLoss = loss === undefined ? state.meanLoss : join(state.meanLoss, loss.cast('float32'));
      const last = index.equal(every - 1);
      const [updates, moved] = inner.update(mean, state.inner, params, {
        step: step.div(every).floor(),
        totalSteps: Math.max(1, Math.floor(totalSteps / every)),
        ...(loss === undefined ? {} : { loss: meanLoss }),
      });
      return [
        choose(last, updates, map(zerosLike, updates)),
        {
          mean: choose(last, map(zerosLike, mean), mean),
          meanLoss: where(last, zerosLike(meanLoss), meanLoss),
          inner: choose(last, moved, state.inner),
        },
      ];
    },
  };
}
