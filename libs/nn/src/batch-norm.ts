import {
  localMoments,
  ones,
  shardMoments,
  stopGradient,
  type Tensor,
  where,
  zeros,
} from '@lockstep/autodiff';
import { aBoolean, type Kind, LockstepError, numberFrom, type Rules, signature } from '@lockstep/errors';
import { checkedLayer, type Layer, requireContext } from './layer.ts';

/** Scale and offset of each channel. [C] */
export type BatchNormParams = { readonly gamma: Tensor; readonly beta: Tensor };
/** Running moments of each channel, for evaluation. [C] */
export type BatchNormState = { readonly mean: Tensor; readonly variance: Tensor };

export interface BatchNormOptions {
  /** The weight of the step's moments in the new running moments. Default 0.1. */
  readonly momentum?: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /**
   * Normalise each shard by its own moments (ghost batches; Hoffer, Hubara and Soudry, 2017). This keeps the noise of
   * small batches in large ones, and a step needs no exchange before the normalisation. The result depends on the
   * number of shards, which the experiment fixes, and not on the number of workers. The running moments are still
   * those of all rows. Default false.
   */
  readonly ghost?: boolean;
}

const aPart: Kind = {
  what: 'a number from 0 to 1',
  fits: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

export const batchNormRules: Rules<BatchNormOptions> = {
  momentum: aPart,
  epsilon: numberFrom(0),
  ghost: aBoolean,
};

const checkBatchNorm = signature('batchNorm', {}, batchNormRules);

/**
 * Normalises each channel (the last axis) to mean 0 and variance 1, then scales and shifts it (Ioffe and Szegedy,
 * 2015): γ·(x − mean)/√(variance + ε) + β. Training uses the moments of all rows of the step, on all shards, by their
 * weights; evaluation uses the running moments. As in PyTorch, the step's variance is biased in the normalisation and
 * unbiased, n/(n − 1), in the running variance.
 */
export function batchNorm(options: BatchNormOptions = {}): Layer<BatchNormParams, BatchNormState> {
  checkBatchNorm(options);
  const { momentum = 0.1, epsilon = 1e-5, ghost = false } = options;
  const moved = (old: Tensor, step: Tensor): Tensor =>
    old.mul(1 - momentum).add(stopGradient(step).mul(momentum));
  return checkedLayer({
    kind: 'batchNorm',
    init(_key, input) {
      const channels = input.at(-1);
      if (channels === undefined) {
        throw new LockstepError(
          'shape',
          'batchNorm: takes rows with a channel axis [.., C], not single numbers; reshape the input to [1]',
          { input },
        );
      }
      return {
        params: { gamma: ones([channels]), beta: zeros([channels]) },
        state: { mean: zeros([channels]), variance: ones([channels]) },
        output: input,
      };
    },
    apply(params, state, x, { training, weights } = { training: false }) {
      const normalized = (mean: Tensor, variance: Tensor): Tensor =>
        x
          .sub(mean)
          .mul(params.gamma.div(variance.add(epsilon).sqrt()))
          .add(params.beta);
      if (!training) return [normalized(state.mean, state.variance), state];
      const rowWeights = requireContext('batchNorm', 'weights', weights).cast(x.dtype);
      const all = shardMoments(ghost ? stopGradient(x) : x, rowWeights);
      const { count, mean, m2 } = ghost ? localMoments(x, rowWeights) : all;
      // A shard of padding only has a count of 0. Nobody uses its values, but they must stay finite.
      const variance = m2.div(ghost ? where(count.greater(0), count, 1) : count);
      // A single value has no unbiased variance; it then counts as 0.
      const unbiased = all.m2.div(all.count.sub(1).maximum(1));
      return [
        normalized(mean, variance),
        { mean: moved(state.mean, all.mean), variance: moved(state.variance, unbiased) },
      ];
    },
  });
}
