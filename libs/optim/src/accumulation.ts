/** Updates in every n-th step, from the mean gradient of all samples since the last update. */

import { full, type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { aString, oneOf, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { type AccumulationRule, anAccumulation, growthOf } from './batch-growth.ts';
import { aTransformation } from './kinds.ts';
import type { NoiseScaleState } from './noise-scale.ts';
import type { StepMetrics } from './step-metrics.ts';
import { overTrained } from './trained.ts';
import { choose, type Empty, type GradientTransformation, type TensorTree } from './transformation.ts';

/** Scalars, except `mean`, `noise` and `inner`. float32 [] */
export type AccumulationState<S> = {
  /** Means of gradients and losses over the samples since the last update, and the number of these samples. */
  readonly mean: TensorTree;
  readonly meanLoss: Tensor;
  readonly samples: Tensor;
  /** Steps since the last update, and the number of steps that make the next. */
  readonly index: Tensor;
  readonly every: Tensor;
  readonly numUpdates: Tensor;
  /** The state of a batch by noise scale. */
  readonly noise: NoiseScaleState | Empty;
  /** The number of steps of the update that this step belongs to, where it changes. */
  readonly stepMetrics?: StepMetrics;
  readonly inner: S;
};

export interface AccumulationOptions {
  /**
   * Multiplies updates by the number of their steps, or by its root, as {@link scaledByBatch} does with a rate that
   * was found for the batch of one step. Default: updates are not multiplied.
   */
  readonly rule?: 'linear' | 'sqrt';
  /** The step metric that reports a changing `every`. Default `accumulatedSteps`. */
  readonly name?: string;
}

export const accumulationRules: Rules<AccumulationOptions> = { rule: oneOf('linear', 'sqrt'), name: aString };

const checkAccumulateGradients = signature(
  'accumulateGradients',
  { every: anAccumulation, inner: aTransformation },
  accumulationRules,
);

/**
 * Passes the mean gradient over the samples of `every` steps to the inner optimizer. Its state and the parameters
 * change at the last of these steps; the updates of the others are 0, but later links run at every step. With
 * `samples` in {@link Progress}, the mean is exactly that of the large batch even if a batch is short; without it,
 * steps count equally. `every` may be a table of stages or {@link byNoiseScale}; it changes at updates only. The
 * inner optimizer counts its own updates as steps. Under a batch by noise scale, its run length is the number of
 * steps, because the number of updates is unknown. Steps at the end of a run that do not complete an update are not
 * applied.
 */
export function accumulateGradients<S extends TensorTree>(
  every: AccumulationRule,
  inner: GradientTransformation<S>,
  options: AccumulationOptions = {},
): GradientTransformation<AccumulationState<S>> {
  checkAccumulateGradients(every, inner, options);
  const { rule, name = 'accumulatedSteps' } = options;
  const growth = growthOf('accumulateGradients', every);
  const scaled = (updates: TensorTree, steps: Tensor): TensorTree => {
    if (rule === undefined) return updates;
    const factor = rule === 'linear' ? steps : steps.sqrt();
    return map((u) => u.mul(factor.cast(u.dtype)), updates);
  };
  const metrics = (steps: Tensor) => (growth.varies ? { stepMetrics: { [name]: steps } } : {});
  const link: GradientTransformation<AccumulationState<S>> = {
    init(params) {
      const [zero, first] = [zeros([]), full([], growth.first)];
      return {
        mean: map(zerosLike, params),
        ...{ meanLoss: zero, samples: zero, index: zero, every: first, numUpdates: zero },
        noise: growth.init(params),
        ...metrics(first),
        inner: inner.init(params),
      };
    },
    update(grads, state, params, { step, totalSteps, loss, samples: ofStep, stretch }) {
      const count = state.index.add(1);
      const samples = state.samples.add(ofStep === undefined ? 1 : ofStep.cast('float32'));
      // The running mean over samples. For equal gradients it is that gradient, and for equal batches the mean over
      // steps, bit for bit.
      const ratio = ofStep === undefined ? samples : samples.div(ofStep.cast('float32'));
      const join = (mean: Tensor, value: Tensor): Tensor =>
        mean.add(value.sub(mean).div(ratio.cast(mean.dtype)));
      const mean = map(join, state.mean, grads);
      const meanLoss = loss === undefined ? state.meanLoss : join(state.meanLoss, loss.cast('float32'));
      const noise = growth.observe(state.noise, grads, ofStep);
      const last = count.greaterEqual(state.every);
      const numUpdates = where(last, state.numUpdates.add(1), state.numUpdates);
      const [updates, moved] = inner.update(mean, state.inner, params, {
        step: state.numUpdates.cast(step.dtype),
        totalSteps: growth.numUpdates(totalSteps),
        ...(loss === undefined ? {} : { loss: meanLoss }),
        ...(ofStep === undefined ? {} : { samples }),
        ...(stretch === undefined ? {} : { stretch }),
      });
      const gathered = { mean, meanLoss, samples, index: count };
      return [
        choose(last, scaled(updates, state.every), map(zerosLike, updates)),
        {
          ...choose(last, map(zerosLike, gathered), gathered),
          every: where(last, growth.next(numUpdates, state.every, noise), state.every),
          numUpdates,
          noise,
          ...metrics(state.every),
          inner: choose(last, moved, state.inner),
        },
      ];
    },
  };
  return overTrained(link, inner.role ?? {});
}
