/** Hyper-parameters by maximum a posteriori. */
import { exp, log } from '../../math.ts';
import { minimizeInBox, type ValueAndGradient } from './box.ts';
import {
  type HyperParameters,
  likelihoodGradient,
  type Observations,
  type Posterior,
  posteriorOf,
} from './regression.ts';

/** Logarithms of the bounds of a length scale, in units of the range; of the function's variance; of the noise. */
const bounds = {
  lengthScale: [log(0.01), log(30)],
  variance: [log(0.01), log(100)],
  noise: [log(1e-6), log(1)],
} as const;

const maxIterations = 40;

/** Length scales from which the ascent starts, because the likelihood may have several maxima. */
const starts = [0.3, 1];

/**
 * The posterior at the most probable hyper-parameters. Targets are expected to have mean 0 and variance 1. The priors are those
 * of Optuna's sampler: exp(−(θ + 1/θ)/10) for θ = ℓ⁻², gamma(2, 1) for the variance, gamma(1.1, 30) for the noise.
 */
export function fitted(observations: Observations): Posterior {
  const d = observations.isOptions.length;
  const box = {
    lower: boundsOf(d, 0),
    upper: boundsOf(d, 1),
    maxIterations,
  };
  const minima = starts.map((lengthScale) => {
    const start = Float64Array.from([...new Array<number>(d).fill(log(lengthScale)), 0, log(1e-3)]);
    return minimizeInBox((point) => negativeLogPosterior(observations, point), start, box);
  });
  const best = minima.reduce((a, b) => (b.value < a.value ? b : a));
  const posterior = posteriorOf(observations, parametersAt(best.point));
  // The bound of the noise keeps the matrix positive definite; the start surely is.
  return posterior ?? posteriorOf(observations, parametersAt(boundsOf(d, 1)))!;
}

const boundsOf = (d: number, end: 0 | 1): Float64Array =>
  Float64Array.from([
    ...new Array<number>(d).fill(bounds.lengthScale[end]),
    bounds.variance[end],
    bounds.noise[end],
  ]);

/** The parameters whose logarithms a point has. */
function parametersAt(point: Float64Array): HyperParameters {
  const d = point.length - 2;
  return {
    lengthScales: point.slice(0, d).map((x) => exp(x)),
    variance: exp(point[d]!),
    noise: exp(point[d + 1]!),
  };
}

function negativeLogPosterior(observations: Observations, point: Float64Array): ValueAndGradient {
  const posterior = posteriorOf(observations, parametersAt(point));
  if (posterior === undefined)
    return { value: Number.POSITIVE_INFINITY, gradient: new Float64Array(point.length) };
  const { lengthScales, variance, noise, logLikelihood } = posterior;
  const gradient = likelihoodGradient(posterior);
  const d = lengthScales.length;
  let value = logLikelihood + log(variance) - variance + 0.1 * log(noise) - 30 * noise;
  gradient[d]! += 1 - variance;
  gradient[d + 1]! += 0.1 - 30 * noise;
  for (const [k, lengthScale] of lengthScales.entries()) {
    const square = lengthScale * lengthScale;
    value -= 0.1 * (square + 1 / square);
    gradient[k]! -= 0.2 * (square - 1 / square);
  }
  return { value: -value, gradient: gradient.map((x) => -x) };
}
