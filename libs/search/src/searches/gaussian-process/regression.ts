/**
 * Gaussian process regression with a Matérn kernel of ν = 5/2 and a length scale for each dimension (Rasmussen and Williams, 2006,
 * algorithm 2.1 and equations 5.8, 5.9). Arrays of inputs are `[n, d]`, in rows.
 */
import { cholesky } from '@lockstep/kernels';
import { exp, log } from '../../math.ts';
import { LOG_SQRT_2PI } from '../../normal.ts';
import { dot } from './box.ts';

const { sqrt } = Math;
const SQRT5 = sqrt(5);

/** What the process is computed from. */
export interface Observations {
  readonly inputs: Float64Array;
  readonly targets: Float64Array;
  /** Dimensions of options: their distance is 1 between different numbers. */
  readonly isOptions: readonly boolean[];
}

export interface HyperParameters {
  readonly lengthScales: Float64Array;
  /** The variance of the function. */
  readonly variance: number;
  /** The variance of the observations around it. */
  readonly noise: number;
}

/** A process that has seen observations. */
export interface Posterior extends Observations, HyperParameters {
  /** K⁻¹, `[n, n]`. */
  readonly inverse: Float64Array;
  /** K⁻¹·targets */
  readonly weights: Float64Array;
  readonly logLikelihood: number;
}

/** The square of a distance in one dimension, in its length scale. */
export function squaredDistance(a: number, b: number, lengthScale: number, isOptions: boolean): number {
  if (isOptions) return a === b ? 0 : 1 / (lengthScale * lengthScale);
  const difference = (a - b) / lengthScale;
  return difference * difference;
}

/** (1 + √5·r + 5/3·r²)·exp(−√5·r) for a squared distance r². */
export function matern(squared: number): number {
  const scaled = SQRT5 * sqrt(squared);
  return (1 + scaled + (5 / 3) * squared) * exp(-scaled);
}

/** The derivative of {@link matern} by r². */
export function maternSlope(squared: number): number {
  const scaled = SQRT5 * sqrt(squared);
  return (-5 / 6) * (1 + scaled) * exp(-scaled);
}

/**
 * The posterior at given hyper-parameters; undefined where the kernel's matrix is not positive definite in doubles, which takes
 * a noise far below the kernel's variance.
 */
export function posteriorOf(observations: Observations, parameters: HyperParameters): Posterior | undefined {
  const { targets } = observations;
  const n = targets.length;
  const covariance = squaredDistances(observations, parameters.lengthScales).map(
    (squared) => parameters.variance * matern(squared),
  );
  for (let i = 0; i < n; i++) covariance[i * n + i]! += parameters.noise;
  const factor = new Float64Array(n * n);
  cholesky(factor, covariance, { batch: 1, n, factor: new Float64Array(n * n) });
  if (Number.isNaN(factor[0])) return undefined;
  const inverse = inverseFrom(factor, n);
  const weights = targets.map((_, i) => dot(inverse.subarray(i * n, (i + 1) * n), targets));
  let logDeterminant = 0;
  for (let i = 0; i < n; i++) logDeterminant += log(factor[i * n + i]!);
  const logLikelihood = -0.5 * dot(targets, weights) - logDeterminant - n * LOG_SQRT_2PI;
  return { ...observations, ...parameters, inverse, weights, logLikelihood };
}

/** Between all pairs of inputs, `[n, n]`. */
function squaredDistances({ inputs, isOptions }: Observations, lengthScales: Float64Array): Float64Array {
  const d = lengthScales.length;
  const n = inputs.length / d;
  const squared = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < d; k++) {
        sum += squaredDistance(inputs[i * d + k]!, inputs[j * d + k]!, lengthScales[k]!, isOptions[k]!);
      }
      squared[i * n + j] = sum;
      squared[j * n + i] = sum;
    }
  }
  return squared;
}

/** (L·Lᵀ)⁻¹ */
function inverseFrom(factor: Float64Array, n: number): Float64Array {
  // The columns of L⁻¹ in rows.
  const columns = new Float64Array(n * n);
  for (let c = 0; c < n; c++) {
    columns[c * n + c] = 1 / factor[c * n + c]!;
    for (let i = c + 1; i < n; i++) {
      let sum = 0;
      for (let k = c; k < i; k++) sum += factor[i * n + k]! * columns[c * n + k]!;
      columns[c * n + i] = -sum / factor[i * n + i]!;
    }
  }
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += columns[i * n + k]! * columns[j * n + k]!;
      inverse[i * n + j] = sum;
      inverse[j * n + i] = sum;
    }
  }
  return inverse;
}

/** The derivatives of the log-likelihood by the logarithms of the length scales, the variance and the noise, in this order. */
export function likelihoodGradient(posterior: Posterior): Float64Array {
  const { inputs, isOptions, lengthScales, variance, noise, inverse, weights } = posterior;
  const [n, d] = [weights.length, lengthScales.length];
  const squared = squaredDistances(posterior, lengthScales);
  const gradient = new Float64Array(d + 2);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      // Both halves of the symmetric matrix at once.
      const outer = weights[i]! * weights[j]! - inverse[i * n + j]!;
      const r2 = squared[i * n + j]!;
      const slope = -2 * outer * variance * maternSlope(r2);
      for (let k = 0; k < d; k++) {
        gradient[k]! +=
          slope * squaredDistance(inputs[i * d + k]!, inputs[j * d + k]!, lengthScales[k]!, isOptions[k]!);
      }
      gradient[d]! += outer * variance * matern(r2);
    }
    const own = 0.5 * (weights[i]! * weights[i]! - inverse[i * n + i]!);
    gradient[d]! += own * variance;
    gradient[d + 1]! += own * noise;
  }
  return gradient;
}

export interface Prediction {
  readonly mean: number;
  /** Of the function, without the noise of an observation. */
  readonly variance: number;
  /** Derivatives by the input; 0 for dimensions of options. */
  readonly meanGradient: Float64Array;
  readonly varianceGradient: Float64Array;
}

/** The least variance of a prediction, below which rounding decides. */
const leastVariance = 1e-12;

/** The distribution of the function at one input `[d]`. */
export function predict(posterior: Posterior, input: Float64Array): Prediction {
  const { inputs, isOptions, lengthScales, variance, inverse, weights } = posterior;
  const [n, d] = [weights.length, input.length];
  const covariances = new Float64Array(n);
  const slopes = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let r2 = 0;
    for (let k = 0; k < d; k++) {
      r2 += squaredDistance(input[k]!, inputs[i * d + k]!, lengthScales[k]!, isOptions[k]!);
    }
    covariances[i] = variance * matern(r2);
    slopes[i] = variance * maternSlope(r2);
  }
  const solved = covariances.map((_, i) => dot(inverse.subarray(i * n, (i + 1) * n), covariances));
  const meanGradient = new Float64Array(d);
  const varianceGradient = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    if (isOptions[k]) continue;
    const scale = 2 / (lengthScales[k]! * lengthScales[k]!);
    for (let i = 0; i < n; i++) {
      const slope = slopes[i]! * scale * (input[k]! - inputs[i * d + k]!);
      meanGradient[k]! += slope * weights[i]!;
      varianceGradient[k]! -= 2 * slope * solved[i]!;
    }
  }
  return {
    mean: dot(covariances, weights),
    variance: Math.max(leastVariance * variance, variance - dot(covariances, solved)),
    ...{ meanGradient, varianceGradient },
  };
}
