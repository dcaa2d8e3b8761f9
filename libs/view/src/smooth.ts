/** Smoothing of curves, and what runs of one group have in common. */
import type { Points } from './curve.ts';

/** Points in lists. */
export interface Listed extends Points {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/**
 * A low-pass filter of first order with a time constant of `window` steps. Gaps between steps count, so a curve that was thinned is
 * smoothed as the whole curve would be, nearly. Values that are not finite are left out.
 */
export function smoothed({ steps, values }: Points, window: number): Listed {
  const kept: [step: number, value: number][] = [];
  for (let i = 0; i < steps.length; i++) {
    const [step, value] = [steps[i]!, values[i]!];
    if (!Number.isFinite(value)) continue;
    const before = kept.at(-1);
    if (before === undefined || window <= 0) {
      kept.push([step, value]);
      continue;
    }
    const gap = step - before[0];
    // Early values average over what there is, so that the curve does not cling to its first point.
    const span = Math.min(window, step - steps[0]!);
    kept.push([step, before[1] + (gap / (span + gap)) * (value - before[1])]);
  }
  return { steps: kept.map(([step]) => step), values: kept.map(([, value]) => value) };
}

export interface Band {
  readonly steps: readonly number[];
  readonly mean: readonly number[];
  readonly least: readonly number[];
  readonly greatest: readonly number[];
}

/**
 * Mean and range over curves at the steps that at least two have, or all if there is one curve alone. Curves of runs that differ in
 * their seed have the same steps, thinned or not.
 */
export function bandOf(curves: readonly Points[]): Band {
  const found = new Map<number, { sum: number; count: number; least: number; greatest: number }>();
  for (const { steps, values } of curves) {
    for (let i = 0; i < steps.length; i++) {
      const value = values[i]!;
      if (!Number.isFinite(value)) continue;
      const at = found.get(steps[i]!);
      if (at === undefined) found.set(steps[i]!, { sum: value, count: 1, least: value, greatest: value });
      else {
        at.sum += value;
        at.count++;
        at.least = Math.min(at.least, value);
        at.greatest = Math.max(at.greatest, value);
      }
    }
  }
  const needed = Math.min(2, curves.length);
  const rows = [...found].filter(([, { count }]) => count >= needed).sort(([a], [b]) => a - b);
  return {
    steps: rows.map(([step]) => step),
    mean: rows.map(([, { sum, count }]) => sum / count),
    least: rows.map(([, { least }]) => least),
    greatest: rows.map(([, { greatest }]) => greatest),
  };
}
