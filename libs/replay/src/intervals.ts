/** Which parts of a run are proved: whole intervals between saved states, drawn by a seed. */
import { keyFromSeed, permutation } from '@lockstep/rng';

/** The steps after `from` up to `to`. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The intervals between the saved states of a run. `saved` is ascending and begins with the first state. */
export function intervalsBetween(saved: readonly number[]): readonly Interval[] {
  return saved.slice(1).map((to, i) => ({ from: saved[i]!, to }));
}

export interface Draw {
  /** Ascending. */
  readonly drawn: readonly Interval[];
  /** Of the run. */
  readonly numIntervals: number;
  /** Steps of the drawn intervals, of all steps. */
  readonly coverage: number;
  /** The probability that the draw leaves out one altered interval, each being equally likely to be the altered one. */
  readonly missed: number;
}

/** Draws whole intervals in an order that follows from `seed`, until they cover at least `fraction` of all steps. */
export function drawIntervals(intervals: readonly Interval[], fraction: number, seed: number): Draw {
  const lengthOf = ({ from, to }: Interval): number => to - from;
  const total = intervals.reduce((sum, interval) => sum + lengthOf(interval), 0);
  const order = intervals.length === 0 ? [] : permutation(keyFromSeed(seed), intervals.length);
  const drawn: Interval[] = [];
  let covered = 0;
  for (const i of order) {
    if (drawn.length > 0 && covered >= fraction * total) break;
    drawn.push(intervals[i]!);
    covered += lengthOf(intervals[i]!);
  }
  return {
    drawn: drawn.sort((a, b) => a.from - b.from),
    numIntervals: intervals.length,
    coverage: total === 0 ? 1 : covered / total,
    missed: intervals.length === 0 ? 0 : 1 - drawn.length / intervals.length,
  };
}
