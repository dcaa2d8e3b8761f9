/** The noise scale at several points of training, with its error over seeds. */
import { meanAndSpread } from '@lockstep/search';
import { median } from './median.ts';

/** A run's estimates of the noise scale, in ascending order of steps. */
export interface NoiseSeries {
  readonly seed: number;
  readonly estimates: readonly { readonly step: number; readonly noiseScale: number }[];
}

export interface NoisePoint {
  /** The part of training, from 0 to 1. */
  readonly at: number;
  readonly step: number;
  /** In samples: the mean over seeds, or a lower bound. */
  readonly noiseScale: number;
  /** The standard error of that mean; null for one seed and for a bound. */
  readonly error: number | null;
  /** Whether the noise scale is larger than what can be told from so few gradients. */
  readonly isLowerBound: boolean;
  readonly numSeeds: number;
}

/** Around a point, the median of this part of the steps stands for it: single estimates jump where |G|² is small. */
const windowPart = 0.05;

/**
 * The noise scale at parts of training.
 *
 * @param limit the samples over which it was estimated. A noise scale above is not known, since the standard error of |G|² is then as large
 * as |G|² itself; so is an infinite one, of a gradient that cannot be told from noise.
 */
export function noisePoints(
  series: readonly NoiseSeries[],
  points: readonly number[],
  limit: number,
): readonly NoisePoint[] {
  const numSteps = Math.max(0, ...series.map(({ estimates }) => estimates.at(-1)?.step ?? 0));
  return points.flatMap((at): NoisePoint[] => {
    const step = Math.max(1, Math.round(at * numSteps));
    const half = Math.max(1, (windowPart / 2) * numSteps);
    const values = series
      .map(({ estimates }) =>
        median(
          estimates
            .filter((one) => Math.abs(one.step - step) <= half && !Number.isNaN(one.noiseScale))
            .map(({ noiseScale }) => noiseScale),
        ),
      )
      .filter((value) => value !== undefined);
    if (values.length === 0) return [];
    const { mean, spread } = meanAndSpread(values);
    const numSeeds = values.length;
    if (!(mean <= limit)) return [{ at, step, noiseScale: limit, error: null, isLowerBound: true, numSeeds }];
    const error = spread === null ? null : spread / Math.sqrt(numSeeds);
    return [{ at, step, noiseScale: mean, error, isLowerBound: false, numSeeds }];
  });
}
