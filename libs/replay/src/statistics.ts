/** Arrays in a few numbers. Sums are in float64. */
import type { TypedArray } from '@lockstep/tensor';

export interface ArrayStatistics {
  readonly size: number;
  /** The root of the sum of squares; not finite if an element is not. */
  readonly norm: number;
  /** Over the finite elements, as are the following; NaN if there are none. */
  readonly mean: number;
  /** The root of the mean squared distance from the mean. */
  readonly std: number;
  readonly min: number;
  readonly max: number;
  /** The part of the elements that are 0. */
  readonly zeros: number;
  readonly numNonFinite: number;
  /** Elements in equal parts of the range from `min` to `max`; the last part includes `max`. */
  readonly histogram: readonly number[];
}

export const histogramBins = 16;

export function statisticsOf(data: TypedArray): ArrayStatistics {
  let [squares, sum, numZeros, numFinite] = [0, 0, 0, 0];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of data) {
    squares += value * value;
    if (!Number.isFinite(value)) continue;
    numFinite++;
    sum += value;
    if (value === 0) numZeros++;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / numFinite;
  const histogram = new Array<number>(histogramBins).fill(0);
  let spread = 0;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    spread += (value - mean) * (value - mean);
    const bin = max === min ? 0 : Math.floor(((value - min) / (max - min)) * histogramBins);
    histogram[Math.min(bin, histogramBins - 1)]!++;
  }
  return {
    ...{ size: data.length, norm: Math.sqrt(squares), mean, std: Math.sqrt(spread / numFinite) },
    ...(numFinite === 0 ? { min: Number.NaN, max: Number.NaN } : { min, max }),
    ...{ zeros: numZeros / data.length, numNonFinite: data.length - numFinite, histogram },
  };
}
