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
  /** In samples: the mean over seeds. */
  readonly noiseScale: number;
  /** The standard error of that mean; null for one seed. */
  readonly error: number | null;
  readonly numSeeds: number;
}

/** Around a point, the median of this part of the steps stands for it: single estimates jump where |G|² is small. */
const windowPart = 0.05;

/** Seeds whose estimate is not finite at a point, because the gradient cannot be told from noise, do not count there. */
export function noisePoints(
  series: readonly NoiseSeries[],
  points: readonly number[],
): readonly NoisePoint[] {
  const numSteps = Math.max(0, ...series.map(({ estimates }) => estimates.at(-1)?.step ?? 0));
  return points.flatMap((at) => {
    const step = Math.max(1, Math.round(at * numSteps));
    const half = Math.max(1, (windowPart / 2) * numSteps);
    const values = series
      .map(({ estimates }) =>
        median(
          estimates
            .filter((one) => Math.abs(one.step - step) <= half && Number.isFinite(one.noiseScale))
            .map(({ noiseScale }) => noiseScale),
        ),
      )
      .filter((value) => value !== undefined);
    if (values.length === 0) return [];
    const { mean, spread } = meanAndSpread(values);
    const error = spread === null ? null : spread / Math.sqrt(values.length);
    return [{ at, step, noiseScale: mean, error, numSeeds: values.length }];
  });
}
