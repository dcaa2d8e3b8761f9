/** Trials at the steps at which they were compared. */
import type { RungPoint, TrialView } from './model.ts';

export interface RungView {
  readonly step: number;
  /** Trials with a value at this step. */
  readonly numTrials: number;
  /** Of these the ones that did not go on. */
  readonly numPruned: number;
}

/** The rungs at which trials have values, in ascending order of steps. */
export function rungsOf(trials: readonly TrialView[]): readonly RungView[] {
  const rungs = new Map<number, { numTrials: number; numPruned: number }>();
  for (const { rungs: points, status } of trials) {
    for (const [i, { step }] of points.entries()) {
      const rung = rungs.get(step) ?? { numTrials: 0, numPruned: 0 };
      rung.numTrials++;
      if (status === 'pruned' && i === points.length - 1) rung.numPruned++;
      rungs.set(step, rung);
    }
  }
  return [...rungs].map(([step, counts]) => ({ step, ...counts })).sort((a, b) => a.step - b.step);
}

/** Of several curves, those of a trial's repeats, the mean at each step that all of them have; in ascending order of steps. */
export function meansAt(
  curves: readonly { readonly steps: ArrayLike<number>; readonly values: ArrayLike<number> }[],
): readonly RungPoint[] {
  const sums = new Map<number, { sum: number; count: number }>();
  for (const { steps, values } of curves) {
    for (let i = 0; i < steps.length; i++) {
      const known = sums.get(steps[i]!) ?? { sum: 0, count: 0 };
      sums.set(steps[i]!, { sum: known.sum + values[i]!, count: known.count + 1 });
    }
  }
  return [...sums]
    .filter(([, { count }]) => count === curves.length)
    .map(([step, { sum, count }]) => ({ step, value: sum / count }))
    .sort((a, b) => a.step - b.step);
}
