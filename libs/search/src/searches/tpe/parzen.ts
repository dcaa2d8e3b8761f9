/**
 * Parzen estimators: densities over one or several parameters, a mixture with one component for each observation and one for the
 * prior. Numbers have normal distributions that are cut to the range, options a distribution that prefers the observed one. As in
 * Optuna 3.1 (Bergstra, Bardenet, Bengio and Kégl, 2011; Falkner, Klein and Hutter, 2018 for several parameters at once).
 */
import { exp, log, pow } from '../../math.ts';
import { cutNormalQuantile, LOG_SQRT_2PI, normalMass } from '../../normal.ts';
import type { NumericAxis, OptionsAxis } from '../../space/axis.ts';

const { max, min } = Math;

export type ModelAxis = NumericAxis | OptionsAxis;

/** Coordinates on some axes; the index of the option where an axis has options. */
export type Point = readonly number[];

export interface ParzenOptions {
  /** The weight of the prior beside that of one observation. */
  readonly priorWeight: number;
  /** Whether one bandwidth for each axis follows from the number of observations; if not, distances between them give it. */
  readonly multivariate: boolean;
}

/** The weights of `n` observations in the order of their trials: the last 25 count fully, earlier ones less and less. */
export function observationWeights(n: number): readonly number[] {
  const numRamp = n - 25;
  return Array.from({ length: n }, (_, i) => {
    if (i >= numRamp) return 1;
    return numRamp === 1 ? 1 / n : 1 / n + (i / (numRamp - 1)) * (1 - 1 / n);
  });
}

export class Parzen {
  readonly #axes: readonly ModelAxis[];
  readonly #logWeights: readonly number[];
  readonly #cumulated: readonly number[];
  readonly #marginals: readonly Marginal[];

  /** Observations in the order of their trials. */
  constructor(axes: readonly ModelAxis[], observations: readonly Point[], options: ParzenOptions) {
    const weights = [...observationWeights(observations.length), options.priorWeight];
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let sum = 0;
    this.#axes = axes;
    this.#logWeights = weights.map((weight) => log(weight / total));
    this.#cumulated = weights.map((weight) => {
      sum += weight / total;
      return sum;
    });
    this.#marginals = axes.map((axis, i) => {
      const observed = observations.map((point) => point[i]!);
      return axis.kind === 'options'
        ? optionsMarginal(axis, observed, options)
        : numericMarginal(axis, observed, options, axes.length);
    });
  }

  /** The point that uniform numbers choose: `pick` its component, and one number for each axis its coordinate. */
  sample(pick: number, uniforms: Point): Point {
    const last = this.#cumulated.length - 1;
    const found = this.#cumulated.findIndex((until) => pick < until);
    const component = found === -1 ? last : found;
    return this.#axes.map((_, i) => this.#marginals[i]!.sample(component, uniforms[i]!));
  }

  /** The logarithm of the density. */
  logDensity(point: Point): number {
    const terms = this.#logWeights.map((weight, component) =>
      this.#marginals.reduce((sum, marginal, i) => sum + marginal.logDensity(component, point[i]!), weight),
    );
    const largest = terms.reduce((a, b) => max(a, b), Number.NEGATIVE_INFINITY);
    return log(terms.reduce((sum, term) => sum + exp(term - largest), 0)) + largest;
  }
}

/** The distributions of all components on one axis. */
interface Marginal {
  sample(component: number, u: number): number;
  logDensity(component: number, coordinate: number): number;
}

function optionsMarginal(
  { options }: OptionsAxis,
  observed: readonly number[],
  { priorWeight }: ParzenOptions,
): Marginal {
  const numOptions = options.length;
  const base = priorWeight / (observed.length + 1);
  const total = numOptions * base + 1;
  const [common, own] = [log(base / total), log((base + 1) / total)];
  return {
    sample(component, u) {
      const at = observed[component];
      if (at === undefined) return min(numOptions - 1, Math.floor(u * numOptions));
      let sum = 0;
      for (let option = 0; option < numOptions; option++) {
        sum += (option === at ? base + 1 : base) / total;
        if (u < sum) return option;
      }
      return numOptions - 1;
    },
    logDensity(component, option) {
      const at = observed[component];
      if (at === undefined) return -log(numOptions);
      return option === at ? own : common;
    },
  };
}

function numericMarginal(
  axis: NumericAxis,
  observed: readonly number[],
  options: ParzenOptions,
  numAxes: number,
): Marginal {
  const { low, high, quantum } = axis;
  const means = [...observed, 0.5 * (low + high)];
  const deviations = options.multivariate
    ? scottDeviations(axis, observed.length, numAxes)
    : neighbourDeviations(axis, means);
  const parts = means.map((mean, i) => {
    const deviation = deviations[i]!;
    const [from, to] = [(low - mean) / deviation, (high - mean) / deviation];
    return { mean, deviation, from, to, logMass: log(normalMass(from, to)) };
  });
  return {
    sample(component, u) {
      const { mean, deviation, from, to } = parts[component]!;
      const coordinate = mean + deviation * cutNormalQuantile(from, to, u);
      return axis.toCoordinate(axis.toValue(coordinate));
    },
    logDensity(component, coordinate) {
      const { mean, deviation, logMass } = parts[component]!;
      if (quantum !== undefined) {
        const from = (max(low, coordinate - quantum / 2) - mean) / deviation;
        const to = (min(high, coordinate + quantum / 2) - mean) / deviation;
        return log(normalMass(from, to)) - logMass;
      }
      const z = (coordinate - mean) / deviation;
      return -0.5 * z * z - LOG_SQRT_2PI - logMass;
    },
  };
}

/** The range of bandwidths of n components: not so narrow that candidates repeat an observation. */
function clip(deviation: number, { low, high }: NumericAxis, numComponents: number): number {
  const range = high - low;
  return max(range / min(100, 1 + numComponents), min(range, deviation));
}

/** Scott's rule for observations in several dimensions; the prior, at the end, has the whole range. */
function scottDeviations(axis: NumericAxis, numObserved: number, numAxes: number): readonly number[] {
  const range = axis.high - axis.low;
  const deviation = 0.2 * pow(max(1, numObserved), -1 / (numAxes + 4)) * range;
  const clipped = clip(deviation, axis, numObserved + 1);
  return [...Array.from({ length: numObserved }, () => clipped), range];
}

/** The longer distance to the two neighbours, the prior's mean among them; the outermost have one neighbour. */
function neighbourDeviations(axis: NumericAxis, means: readonly number[]): readonly number[] {
  const { low, high } = axis;
  const n = means.length;
  const order = means.map((_, i) => i).sort((a, b) => means[a]! - means[b]! || a - b);
  const sorted = order.map((i) => means[i]!);
  const deviations = new Array<number>(n);
  for (const [place, i] of order.entries()) {
    const left = sorted[place]! - (sorted[place - 1] ?? low);
    const right = (sorted[place + 1] ?? high) - sorted[place]!;
    const isFirst = place === 0 && n > 1;
    const isLast = place === n - 1 && n > 1;
    deviations[i] = clip(isFirst ? right : isLast ? left : max(left, right), axis, n);
  }
  deviations[n - 1] = high - low;
  return deviations;
}
