/** The one order of trials, from best to worst, which never depends on when results arrived. */
import { lossOf, type Objective } from '../objective.ts';
import type { RecordedTrial, TrialResult } from './trial.ts';

/** The values of a result as losses to minimise; NaN where it has none. */
export const lossesOf = (objectives: readonly Objective[], { values }: TrialResult): number[] =>
  objectives.map(({ direction }, i) => lossOf(direction, values[i] ?? Number.NaN));

/** What decides the place of a trial. */
interface Place {
  readonly number: number;
  readonly kind: number;
  readonly steps: number;
  readonly loss: number;
}

const COMPLETE = 0;
const PRUNED = 1;
const UNRANKED = 2;

function placeOf(objective: Objective, { number, result }: RecordedTrial): Place {
  const loss = lossOf(objective.direction, result.values[0] ?? Number.NaN);
  const isRanked = result.status !== 'failed' && !Number.isNaN(loss);
  const kind = !isRanked ? UNRANKED : result.status === 'complete' ? COMPLETE : PRUNED;
  return { number, kind, steps: kind === PRUNED ? (result.steps ?? 0) : 0, loss: isRanked ? loss : 0 };
}

/**
 * Negative if `a` is better. Complete trials come first, then pruned ones, of which those that ran longer are better; then NaN and
 * failed ones. Ties go to the lower number.
 */
function comparePlaces(a: Place, b: Place): number {
  if (a.kind !== b.kind) return a.kind - b.kind;
  if (a.steps !== b.steps) return b.steps - a.steps;
  // Equal infinities, whose difference is NaN, are equal.
  return a.loss < b.loss ? -1 : a.loss > b.loss ? 1 : a.number - b.number;
}

/** Compares trials by one objective, for the order of `ranked`. */
export const compareTrials = (objective: Objective, a: RecordedTrial, b: RecordedTrial): number =>
  comparePlaces(placeOf(objective, a), placeOf(objective, b));

/** Trials from best to worst by one objective. */
export const ranked = <T extends RecordedTrial>(objective: Objective, trials: readonly T[]): T[] =>
  trials
    .map((trial) => ({ trial, place: placeOf(objective, trial) }))
    .sort((a, b) => comparePlaces(a.place, b.place))
    .map(({ trial }) => trial);

/** The best complete trial by one objective; undefined if none has a value. */
export function bestOf<T extends RecordedTrial>(objective: Objective, trials: readonly T[]): T | undefined {
  let best: { readonly trial: T; readonly place: Place } | undefined;
  for (const trial of trials) {
    const place = placeOf(objective, trial);
    if (place.kind !== COMPLETE) continue;
    if (best === undefined || comparePlaces(place, best.place) < 0) best = { trial, place };
  }
  return best?.trial;
}
