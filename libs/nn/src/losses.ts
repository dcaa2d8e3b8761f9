/** Losses of numbers: regression, binary labels, distributions. */

import { abs, exp, log, softplus, stopGradient, tensor, where } from '@lockstep/autodiff';
import { aBoolean, aNumber, type Rules, signature } from '@lockstep/errors';
import { numberOrList } from './kinds.ts';
import {
  alike,
  differenceOf,
  type Loss,
  meanOfRow,
  nanOf,
  partsOf,
  requirePositive,
  sumOfRow,
} from './loss.ts';

/** The mean of (prediction − target)² over all axes but the first. */
export const meanSquaredError = (): Loss => (prediction, target) =>
  meanOfRow(differenceOf('meanSquaredError', prediction, target).square());

/** The mean of |prediction − target| over all axes but the first: a loss (PyTorch's L1Loss) and a metric. */
export const meanAbsoluteError = (): Loss => (prediction, target) =>
  meanOfRow(abs(differenceOf('meanAbsoluteError', prediction, target)));

const checkHuber = signature('huber', { 'delta?': aNumber });

/** d²/2 for |d| ≤ δ, else δ·(|d| − δ/2), for differences d (Huber, 1964); the mean over all axes but the first. */
export function huber(delta = 1): Loss {
  checkHuber(delta);
  requirePositive('huber', 'delta', delta);
  return (prediction, target) => {
    const d = differenceOf('huber', prediction, target);
    const size = abs(d);
    const far = size.sub(delta / 2).mul(delta);
    return meanOfRow(where(size.lessEqual(delta), d.square().mul(0.5), far));
  };
}

const checkSmoothL1 = signature('smoothL1', { 'beta?': aNumber });

/** {@link huber} divided by β: slope 1 for large differences (Girshick, 2015). */
export function smoothL1(beta = 1): Loss {
  checkSmoothL1(beta);
  requirePositive('smoothL1', 'beta', beta);
  const loss = huber(beta);
  return (prediction, target) => loss(prediction, target).div(beta);
}

export interface BinaryCrossEntropyOptions {
  /** The weight of targets of 1 relative to targets of 0: a number, or one per place of the last axis. Default 1. */
  readonly posWeight?: number | readonly number[];
}

export const binaryCrossEntropyRules: Rules<BinaryCrossEntropyOptions> = { posWeight: numberOrList };

const checkBinaryCrossEntropy = signature('binaryCrossEntropy', {}, binaryCrossEntropyRules);

/**
 * −p·t·log σ(z) − (1 − t)·log(1 − σ(z)) for logits z, targets t in [0, 1] and weight p of targets of 1; the mean over
 * all axes but the first.
 */
export function binaryCrossEntropy(options: BinaryCrossEntropyOptions = {}): Loss {
  checkBinaryCrossEntropy(options);
  const { posWeight = 1 } = options;
  return (logits, target) => {
    const t = alike('binaryCrossEntropy', logits, target);
    if (posWeight === 1) return meanOfRow(softplus(logits).sub(logits.mul(t)));
    const ones = typeof posWeight === 'number' ? posWeight : tensor(posWeight, { dtype: logits.dtype });
    const yes = softplus(logits.neg()).mul(t).mul(ones);
    return meanOfRow(yes.add(softplus(logits).mul(t.neg().add(1))));
  };
}

export interface KlDivergenceOptions {
  /** Whether targets are logarithms too. Default false. */
  readonly logTarget?: boolean;
}

export const klDivergenceRules: Rules<KlDivergenceOptions> = { logTarget: aBoolean };

const checkKlDivergence = signature('klDivergence', {}, klDivergenceRules);

/**
 * Σ t·(log t − x) over all axes but the first, for log-probabilities x and probabilities t: PyTorch's 'batchmean'. A
 * target of 0 adds 0.
 */
export function klDivergence(options: KlDivergenceOptions = {}): Loss {
  checkKlDivergence(options);
  const { logTarget = false } = options;
  return (logs, target) => {
    const t = alike('klDivergence', logs, target);
    if (logTarget) return sumOfRow(exp(t).mul(t.sub(logs)));
    const isNone = t.equal(0);
    // Only a target of 0 adds 0: NaN and negative targets are no probabilities and give NaN.
    return sumOfRow(where(isNone, nanOf(logs), t.mul(log(where(isNone, 1, t)).sub(logs))));
  };
}

/** eˣ − t·x for logarithms x of expected counts and counts t; the mean over all axes but the first. */
export const poissonNegativeLogLikelihood = (): Loss => (prediction, target) => {
  const t = alike('poissonNegativeLogLikelihood', prediction, target);
  return meanOfRow(exp(prediction).sub(prediction.mul(t)));
};

/**
 * (log v + (μ − t)²/v)/2 for predictions of a mean and a variance, `stack([μ, v], 1)`; the mean over the axes of t
 * but the first (Nix and Weigend, 1994). Variances below 1e-6 are replaced by 1e-6 and keep their slope.
 */
export const gaussianNegativeLogLikelihood = (): Loss => (prediction, target) => {
  const [mean, variance] = partsOf('gaussianNegativeLogLikelihood', prediction, ['mean', 'variance']);
  const v = variance!.add(stopGradient(variance!.maximum(1e-6).sub(variance!)));
  const difference = mean!.sub(alike('gaussianNegativeLogLikelihood', mean!, target));
  return meanOfRow(log(v).add(difference.square().div(v)).mul(0.5));
};
