/** The gradient noise scale: how many samples a batch can have before more of them bring little. */
import { div, flush, sub, type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { aNumber, aString, LockstepError, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { squaredNorm } from './clipping.ts';
import { average } from './moments.ts';
import type { StepMetrics } from './step-metrics.ts';
import { overTrained } from './trained.ts';
import { choose, dtypeOf, type GradientTransformation, type TensorTree } from './transformation.ts';

/** Moments of the gradients gᵢ so far, under weights wᵢ that sum to 1 and fall by the decay from step to step. */
export type NoiseScaleState = {
  /** Σwᵢ before they are divided by it: 1 − decayᵗ. [] */
  readonly weight: Tensor;
  /** m = Σwᵢgᵢ */
  readonly mean: TensorTree;
  /** Σwᵢ|gᵢ − m|² [] */
  readonly deviation: Tensor;
  /** Σwᵢ/Bᵢ and Σwᵢ²/Bᵢ, where gᵢ is the mean over Bᵢ samples. [] */
  readonly inverse: Tensor;
  readonly squareInverse: Tensor;
  /** The estimate, by its name. */
  readonly stepMetrics: StepMetrics;
};

export interface NoiseScaleOptions {
  /** What the moving averages keep from step to step: (1 + decay)/(1 − decay) gradients count. Default 0.99. */
  readonly decay?: number;
  /** The name of the step metric. Default `noiseScale`. */
  readonly name?: string;
}

export const noiseScaleRules: Rules<NoiseScaleOptions> = { decay: aNumber, name: aString };

const checkMonitorNoiseScale = signature('monitorNoiseScale', {}, noiseScaleRules);

/**
 * Leaves gradients as they are and reports their noise scale tr(Σ)/|G|², in samples (McCandlish et al., 2018, equation
 * 2.9): G is the gradient's mean, Σ the covariance of one sample's gradient. Estimated from the scatter of the steps'
 * gradients, while parameters move little: docs/optimizers.md derives it. NaN until two gradients have come, infinite
 * where G cannot be told from 0. Needs `samples` in {@link Progress}. In front of links that change gradients.
 */
export function monitorNoiseScale(options: NoiseScaleOptions = {}): GradientTransformation<NoiseScaleState> {
  checkMonitorNoiseScale(options);
  const { init, observe } = noiseScaleOf('monitorNoiseScale', options);
  const link: GradientTransformation<NoiseScaleState> = {
    init,
    update: (grads, state, _params, { samples }) => [grads, observe(state, grads, samples)],
  };
  return overTrained(link);
}

export interface NoiseScaleEstimator {
  init(params: TensorTree): NoiseScaleState;
  /** The state with one more gradient, the mean over so many samples. One that is not finite is passed over. */
  observe(state: NoiseScaleState, grads: TensorTree, samples: Tensor | undefined): NoiseScaleState;
  /** tr(Σ)/|G|² [] */
  read(state: NoiseScaleState): Tensor;
}

export function noiseScaleOf(
  owner: string,
  { decay = 0.99, name = 'noiseScale' }: NoiseScaleOptions,
): NoiseScaleEstimator {
  check(owner, 'decay', { decay });
  check(owner, 'positive', { decay });
  return {
    init(params) {
      const zero = zeros([], dtypeOf(params));
      const scalars = { weight: zero, deviation: zero, inverse: zero, squareInverse: zero };
      return { ...scalars, mean: map(zerosLike, params), stepMetrics: { [name]: zero.div(0) } };
    },
    observe(before, grads, samples) {
      if (samples === undefined) throw noSamples(owner);
      const moments = join(decay, before, grads, div(1, samples.cast(before.weight.dtype)));
      const after = { ...moments, stepMetrics: { [name]: scaleOf(moments) } };
      // 0·x is 0 for every finite x, and NaN for all else.
      return choose(after.deviation.mul(0).equal(0), after, before);
    },
    read: ({ stepMetrics }) => stepMetrics[name]!,
  };
}

type Moments = Omit<NoiseScaleState, 'stepMetrics'>;

/** The moments with one more gradient, updated by its offset from the mean: no difference of large squares (West, 1979). */
function join(decay: number, old: Moments, grads: TensorTree, inverse: Tensor): Moments {
  const weight = average(decay, old.weight, 1);
  const share = div(1 - decay, weight);
  const rest = sub(1, share);
  const offset = map((g, m) => g.sub(m), grads, old.mean);
  return {
    weight,
    mean: map((m, d) => flush(m.add(d.mul(share))), old.mean, offset),
    deviation: old.deviation.add(squaredNorm(offset).mul(share)).mul(rest),
    inverse: old.inverse.add(inverse.sub(old.inverse).mul(share)),
    squareInverse: old.squareInverse.mul(rest.square()).add(inverse.mul(share.square())),
  };
}

/** E Σwᵢ|gᵢ − m|² = tr(Σ)·(Σwᵢ/Bᵢ − Σwᵢ²/Bᵢ) and E|m|² = |G|² + tr(Σ)·Σwᵢ²/Bᵢ, solved for tr(Σ)/|G|². [] */
function scaleOf({ mean, deviation, inverse, squareInverse }: Moments): Tensor {
  const variance = deviation.div(inverse.sub(squareInverse));
  const signal = squaredNorm(mean).sub(variance.mul(squareInverse));
  return where(signal.lessEqual(0), Number.POSITIVE_INFINITY, variance.div(signal));
}

const noSamples = (owner: string): LockstepError =>
  new LockstepError(
    'argument',
    `${owner}: the progress has no samples; give update(…) { step, totalSteps, samples } with the number of samples of the step's mean gradient`,
    { owner },
  );
