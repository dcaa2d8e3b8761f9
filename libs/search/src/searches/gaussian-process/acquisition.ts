/** The logarithm of the expected improvement, which has a slope even where the improvement itself underflows (Ament et al., 2023). */
import { log, log1p } from '../../math.ts';
import { LOG_SQRT_2PI, normalCdf, normalPdf } from '../../normal.ts';
import type { Prediction } from './regression.ts';

const { sqrt } = Math;

/** ln(φ(z) + z·Φ(z)), the expected improvement of a standard normal variable over −z. */
export function logImprovement(z: number): number {
  if (z > -30) return log(normalPdf(z) + z * normalCdf(z));
  // Mills' ratio as a series: φ(z) + z·Φ(z) = φ(z)/z²·(1 − 3/z² + 15/z⁴ − …), where the terms above would cancel.
  const s = 1 / (z * z);
  const rest = -3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s * (1 - 11 * s))));
  return -0.5 * z * z - LOG_SQRT_2PI + log(s) + log1p(rest);
}

/** Φ(z)/(φ(z) + z·Φ(z)), the derivative of {@link logImprovement}. */
function logImprovementSlope(z: number): number {
  if (z > -30) return normalCdf(z) / (normalPdf(z) + z * normalCdf(z));
  const s = 1 / (z * z);
  const mills = 1 - s * (1 - 3 * s * (1 - 5 * s * (1 - 7 * s)));
  const rest = 1 - 3 * s * (1 - 5 * s * (1 - 7 * s * (1 - 9 * s)));
  return (-z * mills) / rest;
}

export interface Acquisition {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** The expected improvement below `best`, as a logarithm, with its derivatives by the input. */
export function logExpectedImprovement(prediction: Prediction, best: number): Acquisition {
  const { mean, variance, meanGradient, varianceGradient } = prediction;
  const deviation = sqrt(variance);
  const z = (best - mean) / deviation;
  const slope = logImprovementSlope(z);
  return {
    value: log(deviation) + logImprovement(z),
    gradient: meanGradient.map((byMean, k) => {
      const byVariance = varianceGradient[k]! / (2 * variance);
      return byVariance - slope * (byMean / deviation + z * byVariance);
    }),
  };
}
