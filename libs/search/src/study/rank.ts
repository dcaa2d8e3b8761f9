/** The one order of trials, from best to worst, which never depends on when results arrived. */
import { lossOf, type Objective } from '../objective.ts';
import type { RecordedTrial, TrialResult } from './trial.ts';

/** The values of a result as losses to minimise; NaN where it has none. */
export const lossesOf = (objectives: readonly Objective[], { values }: TrialResult): number[] =>
  objectives.map(({ direction }, i) => lossOf(direction, values[i] ?? Number.NaN));

/**
 * Negative if `a` is better by this objective. Complete trials come first, then pruned ones, of which those that ran longer are
 * better; then NaN and failed ones. Ties go to the lower number.
 */
export function compareTrials(objective: Objective, a: RecordedTrial, b: RecordedTrial): number {
  const [first, second] = [classOf(objective, a), classOf(objective, b)];
  if (first !== second) return first - second;
  if (first === PRUNED && a.result.steps !== b.result.steps) {
    return (b.result.steps ?? 0) - (a.result.steps ?? 0);
  }
  const difference =
    first === UNRANKED
      ? 0
      : compareLosses(lossesOf([objective], a.result)[0]!, lossesOf([objective], b.result)[0]!);
  return difference === 0 ? a.number - b.number : difference;
}

/** Of numbers that are not NaN; equal infinities, whose difference is NaN, are equal. */
const compareLosses = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);

const COMPLETE = 0;
const PRUNED = 1;
const UNRANKED = 2;

function classOf(objective: Objective, { result }: RecordedTrial): number {
  if (result.status === 'failed' || Number.isNaN(lossesOf([objective], result)[0])) return UNRANKED;
  return result.status === 'complete' ? COMPLETE : PRUNED;
}

/** Trials from best to worst by one objective. */
export const ranked = <T extends RecordedTrial>(objective: Objective, trials: readonly T[]): T[] =>
  [...trials].sort((a, b) => compareTrials(objective, a, b));

/** The best complete trial by one objective; undefined if none has a value. */
export function bestOf<T extends RecordedTrial>(objective: Objective, trials: readonly T[]): T | undefined {
  const [best] = ranked(objective, trials);
  return best !== undefined && classOf(objective, best) === COMPLETE ? best : undefined;
}
