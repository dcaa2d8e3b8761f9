/** Steps whose loss stands out from those before it. */
import { LockstepError, nearNames } from '@lockstep/errors';
import { isRising, type RunRecord } from '@lockstep/records';
import { medianOf } from './median.ts';

/** A value that stands out. */
export interface Spike {
  readonly step: number;
  readonly value: number;
  /** The median of the window before the step; NaN if the value is not finite and stands at the beginning. */
  readonly median: number;
  /** The distance of the value from the median, in median absolute deviations. Infinite if the value is not finite. */
  readonly score: number;
}

/** The number of values before a step with which it is compared. */
export const spikeWindow = 50;
/** The least number of values for a comparison. */
const minWindow = 10;
/** The score from which a value stands out: 5.4 standard deviations of normally distributed values. */
export const spikeScore = 8;
/**
 * The least deviation, as a part of the median's magnitude. Values that hardly differ would make a rounding error stand out.
 */
const minDeviation = 0.01;

/**
 * The values that stand out upwards, by step. Each is compared with the last {@link spikeWindow} finite values before it: its
 * score is its distance above their median, divided by the median of their distances from it (Hampel, 1974). A value that is not
 * finite always stands out. Only values before the step count, so that a falling curve has no spike at its beginning.
 */
export function findSpikes(steps: readonly number[], values: readonly number[]): Spike[] {
  const spikes: Spike[] = [];
  const window: number[] = [];
  for (const [i, step] of steps.entries()) {
    const value = values[i]!;
    const spike = scoreOf(step, value, window);
    if (spike.score >= spikeScore) spikes.push(spike);
    if (!Number.isFinite(value)) continue;
    window.push(value);
    if (window.length > spikeWindow) window.shift();
  }
  return spikes;
}

function scoreOf(step: number, value: number, window: readonly number[]): Spike {
  const median = medianOf(window);
  if (!Number.isFinite(value)) return { step, value, median, score: Number.POSITIVE_INFINITY };
  if (window.length < minWindow) return { step, value, median, score: 0 };
  const deviation = medianOf(window.map((one) => Math.abs(one - median)));
  const unit = Math.max(deviation, minDeviation * Math.abs(median));
  const distance = value - median;
  return { step, value, median, score: distance <= 0 ? 0 : distance / unit };
}

/**
 * The values of a metric of a run that stand out: upwards, or downwards for a metric of which more is better, such as accuracy.
 * Throws `config`, with the nearest names, for a metric that the run does not have.
 */
export function spikesOf({ folder, curves }: RunRecord, metric = 'loss'): Spike[] {
  const curve = Object.hasOwn(curves, metric) ? curves[metric] : undefined;
  if (curve === undefined) {
    const names = Object.keys(curves);
    const near = nearNames(metric, names);
    const hint =
      names.length === 0
        ? 'it has no metrics yet'
        : near.length > 0
          ? `did you mean ${near.join(' or ')}?`
          : `it has ${names.join(', ')}`;
    throw new LockstepError('config', `${folder} has no metric '${metric}'; ${hint}`, {
      folder,
      metric,
      near,
    });
  }
  if (!isRising(metric)) return findSpikes(curve.steps, curve.values);
  const spikes = findSpikes(
    curve.steps,
    curve.values.map((value) => -value),
  );
  return spikes.map((spike) => ({ ...spike, value: -spike.value, median: -spike.median }));
}
