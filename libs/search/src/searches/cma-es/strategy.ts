/**
 * The covariance matrix adaptation evolution strategy, after Hansen, "The CMA evolution strategy: a tutorial" (2016,
 * arXiv:1604.00772); numbers of equations are of that paper. Coordinates are in the unit cube.
 */
import { eigh, eighRoom } from '@lockstep/kernels';
import { exp, log, pow } from '../../math.ts';

const { floor, max, min, sqrt } = Math;

/** The distribution from which trials are drawn, and the paths of its evolution. Matrices are `[n, n]`, in rows. */
export interface CmaState {
  readonly numUpdates: number;
  readonly mean: Float64Array;
  /** The step size σ. */
  readonly sigma: number;
  readonly covariance: Float64Array;
  /** B·diag(D) of the covariance B·diag(D²)·Bᵀ. */
  readonly spread: Float64Array;
  /** B·diag(1/D)·Bᵀ */
  readonly inverseRoot: Float64Array;
  readonly sigmaPath: Float64Array;
  readonly covariancePath: Float64Array;
}

/** The least eigenvalue, so that no direction is lost. */
const leastVariance = 1e-16;
/** Keeps σ from overflowing on functions without a minimum. */
const maxSigma = 1e8;

/** The size of a population that the tutorial recommends (equation 48). */
export const defaultPopulation = (n: number): number => 4 + floor(3 * log(n));

/** A round distribution in the middle of the cube. */
export function initialState(n: number, sigma: number): CmaState {
  const covariance = identity(n);
  return {
    ...{ numUpdates: 0, mean: new Float64Array(n).fill(0.5), sigma, covariance },
    ...{ spread: identity(n), inverseRoot: identity(n) },
    ...{ sigmaPath: new Float64Array(n), covariancePath: new Float64Array(n) },
  };
}

function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1;
  return matrix;
}

/** The point of a vector z of standard normal numbers: m + σ·B·D·z (equation 40). */
export function pointAt({ mean, sigma, spread }: CmaState, z: Float64Array): Float64Array {
  const n = mean.length;
  return mean.map((middle, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += spread[i * n + j]! * z[j]!;
    return middle + sigma * sum;
  });
}

/** The state after a population, given from best to worst (equations 41 to 47). */
export function updated(state: CmaState, population: readonly Float64Array[]): CmaState {
  const n = state.mean.length;
  const rates = ratesOf(n, population.length);
  const { weights, effective, cSigma, dSigma, cC, expectedNorm } = rates;
  const steps = population.map((point) => point.map((x, i) => (x - state.mean[i]!) / state.sigma));
  const step = new Float64Array(n);
  for (const [k, one] of steps.entries()) {
    if (weights[k]! <= 0) continue;
    for (let i = 0; i < n; i++) step[i]! += weights[k]! * one[i]!;
  }
  const numUpdates = state.numUpdates + 1;
  const whitened = multiply(state.inverseRoot, step);
  const growth = sqrt(cSigma * (2 - cSigma) * effective);
  const sigmaPath = state.sigmaPath.map((x, i) => (1 - cSigma) * x + growth * whitened[i]!);
  const length = norm(sigmaPath);
  const stationary = length / sqrt(1 - pow(1 - cSigma, 2 * numUpdates));
  const isStalled = stationary >= (1.4 + 2 / (n + 1)) * expectedNorm;
  const pull = isStalled ? 0 : sqrt(cC * (2 - cC) * effective);
  const covariancePath = state.covariancePath.map((x, i) => (1 - cC) * x + pull * step[i]!);
  const covariance = adapted(state, steps, { ...rates, covariancePath, isStalled });
  return {
    numUpdates,
    mean: state.mean.map((x, i) => x + state.sigma * step[i]!),
    sigma: min(maxSigma, state.sigma * exp((cSigma / dSigma) * (length / expectedNorm - 1))),
    ...{ covariance, sigmaPath, covariancePath },
    ...rootsOf(covariance, n),
  };
}

interface Adaptation extends Rates {
  readonly covariancePath: Float64Array;
  readonly isStalled: boolean;
}

/** The covariance after the rank-one and the rank-μ update (equation 47). */
function adapted(
  { covariance, inverseRoot }: CmaState,
  steps: readonly Float64Array[],
  { weights, c1, cMu, cC, covariancePath, isStalled }: Adaptation,
): Float64Array {
  const n = covariancePath.length;
  const lost = isStalled ? cC * (2 - cC) : 0;
  const kept = 1 + c1 * lost - c1 - cMu * weights.reduce((sum, weight) => sum + weight, 0);
  // A negative weight is scaled so that the matrix stays positive definite (equation 46).
  const scaled = steps.map((step, k) => {
    const weight = weights[k]!;
    if (weight >= 0) return weight;
    const length = norm(multiply(inverseRoot, step));
    return (weight * n) / (length * length + 1e-8);
  });
  return covariance.map((x, at) => {
    const [i, j] = [floor(at / n), at % n];
    let sum = 0;
    for (const [k, step] of steps.entries()) sum += scaled[k]! * (step[i]! * step[j]!);
    return kept * x + c1 * (covariancePath[i]! * covariancePath[j]!) + cMu * sum;
  });
}

interface Rates {
  readonly weights: readonly number[];
  /** μ_eff of the positive weights. */
  readonly effective: number;
  readonly c1: number;
  readonly cMu: number;
  readonly cC: number;
  readonly cSigma: number;
  readonly dSigma: number;
  /** E‖N(0, I)‖ */
  readonly expectedNorm: number;
}

/** Weights and learning rates for populations of this size (equations 49 to 58). */
function ratesOf(n: number, size: number): Rates {
  const mu = floor(size / 2);
  const raw = Array.from({ length: size }, (_, i) => log((size + 1) / 2) - log(i + 1));
  const effective = effectiveOf(raw.slice(0, mu));
  const effectiveNegative = effectiveOf(raw.slice(mu));
  const c1 = 2 / ((n + 1.3) * (n + 1.3) + effective);
  const cMu = min(1 - c1 - 1e-8, (2 * (effective - 2 + 1 / effective)) / ((n + 2) * (n + 2) + effective));
  const negativeSum = min(
    1 + c1 / cMu,
    1 + (2 * effectiveNegative) / (effective + 2),
    (1 - c1 - cMu) / (n * cMu),
  );
  const positive = raw.reduce((sum, weight) => sum + max(0, weight), 0);
  const negative = raw.reduce((sum, weight) => sum + max(0, -weight), 0);
  const cSigma = (effective + 2) / (n + effective + 5);
  return {
    weights: raw.map((weight) => (weight >= 0 ? weight / positive : (negativeSum * weight) / negative)),
    ...{ effective, c1, cMu, cSigma },
    cC: (4 + effective / n) / (n + 4 + (2 * effective) / n),
    dSigma: 1 + 2 * max(0, sqrt((effective - 1) / (n + 1)) - 1) + cSigma,
    expectedNorm: sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
  };
}

/** (Σ w)²/Σ w² */
function effectiveOf(weights: readonly number[]): number {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return (sum * sum) / weights.reduce((total, weight) => total + weight * weight, 0);
}

/** The two roots of a covariance that sampling and its update need. */
function rootsOf(covariance: Float64Array, n: number): Pick<CmaState, 'spread' | 'inverseRoot'> {
  const found = new Float64Array((n + 1) * n);
  eigh(found, covariance, { batch: 1, n, room: eighRoom(n) });
  const deviations = Array.from({ length: n }, (_, k) => sqrt(max(leastVariance, found[k]!)));
  const vector = (i: number, k: number): number => found[(i + 1) * n + k]!;
  const spread = new Float64Array(n * n);
  const inverseRoot = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      spread[i * n + j] = vector(i, j) * deviations[j]!;
      let sum = 0;
      for (let k = 0; k < n; k++) sum += (vector(i, k) / deviations[k]!) * vector(j, k);
      inverseRoot[i * n + j] = sum;
    }
  }
  return { spread, inverseRoot };
}

function multiply(matrix: Float64Array, x: Float64Array): Float64Array {
  const n = x.length;
  return x.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += matrix[i * n + j]! * x[j]!;
    return sum;
  });
}

function norm(x: Float64Array): number {
  return sqrt(x.reduce((sum, xi) => sum + xi * xi, 0));
}
