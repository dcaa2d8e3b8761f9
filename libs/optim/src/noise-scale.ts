/** The gradient noise scale: the batch size beyond which further samples add little. */
import { div, flush, sub, type Tensor, where, zeros, zerosLike } from '@lockstep/autodiff';
import { aNumber, aString, LockstepError, type Rules, signature } from '@lockstep/errors';
import { map } from '@lockstep/tree';
import { check } from './checks.ts';
import { squaredNorm } from './clipping.ts';
import { average } from './moments.ts';
import type { StepMetrics } from './step-metrics.ts';
import { overTrained } from './trained.ts';
import { choose, dtypeOf, type GradientTransformation, type TensorTree } from './transformation.ts';

/** Moments of the gradients gᵢ so far, with weights wᵢ that sum to 1 and decay from step to step. */
export type NoiseScaleState = {
  /** The sum of the wᵢ before normalisation: 1 − decayᵗ. [] */
  readonly weight: Tensor;
  /** m = Σwᵢgᵢ */
  readonly mean: TensorTree;
  /** Σwᵢ|gᵢ − m|² [] */
  readonly deviation: Tensor;
  /** Σwᵢ/Bᵢ and Σwᵢ²/Bᵢ, where gᵢ is the mean over Bᵢ samples. [] */
  readonly inverse: Tensor;
  readonly squareInverse: Tensor;
  /** The estimate, under its name. */
  readonly stepMetrics: StepMetrics;
};

export interface NoiseScaleOptions {
  /** The decay of the moving averages per step: (1 + decay)/(1 − decay) gradients count. Default 0.99. */
  readonly decay?: number;
  /** The name of the step metric. Default `noiseScale`. */
  readonly name?: string;
}

export const noiseScaleRules: Rules<NoiseScaleOptions> = { decay: aNumber, name: aString };

const checkMonitorNoiseScale = signature('monitorNoiseScale', {}, noiseScaleRules);

/**
 * Passes gradients on and reports their noise scale tr(Σ)/|G|², in samples (McCandlish et al., 2018, equation 2.9): G
 * is the mean gradient, Σ the covariance of one sample's gradient. The estimate uses the scatter of the steps'
 * gradients, while parameters move little: docs/optimizers.md derives it. It is NaN before the second gradient and
 * infinite if G cannot be distinguished from 0. Needs `samples` in {@link Progress}. Put it before links that change
 * gradients.
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
  /** The state after one more gradient, the mean over `samples`. A gradient that is not finite is ignored. */
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
      // 0·x is 0 for every finite x and NaN otherwise.
      return choose(after.deviation.mul(0).equal(0), after, before);
    },
    read: ({ stepMetrics }) => stepMetrics[name]!,
  };
}

type Moments = Omit<NoiseScaleState, 'stepMetrics'>;

/**
 * The moments after one more gradient, updated by its offset from the mean, which avoids a difference of large
 * squares (West, 1979).
 */
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

/** Solves E Σwᵢ|gᵢ − m|² = tr(Σ)·(Σwᵢ/Bᵢ − Σwᵢ²/Bᵢ) and E|m|² = |G|² + tr(Σ)·Σwᵢ²/Bᵢ for tr(Σ)/|G|². [] */
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
