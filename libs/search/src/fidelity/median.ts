/** Stopping a trial that is worse than half of those before it. */
import { checkOptions, type Rules, whole } from '@lockstep/errors';
import { type Evaluation, lossOf, type Objective, objectiveValue } from '../objective.ts';

export interface MedianOptions {
  /** How many finished trials there must be. Default: 5. */
  readonly minTrials?: number;
  /** No trial is stopped before this step. Default: 0. */
  readonly minSteps?: number;
}

/** The evaluations of a trial, means over its repeats, in ascending order of steps. */
export interface TrialCurve {
  readonly generation: number;
  readonly evaluations: readonly Evaluation[];
}

const rules: Rules<MedianOptions> = { minTrials: whole(1), minSteps: whole(0) };

/**
 * Whether a trial is stopped at `step`: its best value so far is worse than the median of the values that trials of earlier
 * generations had at that step (Golovin et al., 2017, as in Optuna). Trials of its own generation do not count, since some of
 * them may still run; a sweep with this rule must complete each generation before the next one begins. NaN is worse than all.
 */
export function isBelowMedian(
  objective: Objective,
  trial: TrialCurve,
  {
    step,
    others,
    ...options
  }: MedianOptions & { readonly step: number; readonly others: readonly TrialCurve[] },
): boolean {
  checkOptions('isBelowMedian', options, rules);
  const { minTrials = 5, minSteps = 0 } = options;
  if (step < minSteps) return false;
  const earlier = others.filter(({ generation }) => generation < trial.generation);
  const losses = earlier
    .map(({ evaluations }) => valueAtStep(objective, evaluations, step))
    .filter((loss) => !Number.isNaN(loss));
  if (losses.length < minTrials) return false;
  const own = lossOf(
    objective.direction,
    objectiveValue({ ...objective, over: 'best' }, trial.evaluations, step),
  );
  return !(own <= median(losses));
}

/** The loss at the last evaluation up to a step. */
const valueAtStep = ({ direction }: Objective, evaluations: readonly Evaluation[], step: number): number =>
  lossOf(direction, objectiveValue({ direction, over: 'last' }, evaluations, step));

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
