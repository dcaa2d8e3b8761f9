/** Several objectives: which trials no other one beats. */
import { finite, listOf, signature } from '@lockstep/errors';
import type { Objective } from '../objective.ts';
import { anObjective, aRecordedTrial } from './kinds.ts';
import { lossesOf } from './rank.ts';
import type { RecordedTrial } from './trial.ts';

/** Losses of one trial, to be minimised; none is NaN. */
type Losses = readonly number[];

/** Whether `a` is at least as good by every objective, and better by one. */
export const dominates = (a: Losses, b: Losses): boolean =>
  a.every((loss, i) => loss <= b[i]!) && a.some((loss, i) => loss < b[i]!);

/** The rank of each: 0 if no other one dominates it, 1 if only those of rank 0 do, and so on. */
export function nonDominationRanks(all: readonly Losses[]): readonly number[] {
  const ranks = new Array<number>(all.length).fill(-1);
  for (let rank = 0, numRanked = 0; numRanked < all.length; rank++) {
    const front = all.flatMap((losses, i) => {
      const isBeaten = all.some((other, j) => ranks[j] === -1 && dominates(other, losses));
      return ranks[i] === -1 && !isBeaten ? [i] : [];
    });
    for (const i of front) ranks[i] = rank;
    numRanked += front.length;
  }
  return ranks;
}

/**
 * How far the neighbours of each are, summed over objectives of length 1 each (Deb, Pratap, Agarwal and Meyarivan, 2002); infinite
 * for the ends.
 */
export function crowdingDistances(front: readonly Losses[]): readonly number[] {
  const distances = new Array<number>(front.length).fill(0);
  for (let objective = 0; objective < (front[0]?.length ?? 0); objective++) {
    const lossAt = (i: number): number => front[i]![objective]!;
    const order = front.map((_, i) => i).sort((a, b) => lossAt(a) - lossAt(b) || a - b);
    const [first, last] = [order[0]!, order.at(-1)!];
    const range = lossAt(last) - lossAt(first);
    distances[first] = Number.POSITIVE_INFINITY;
    distances[last] = Number.POSITIVE_INFINITY;
    for (let place = 1; place < order.length - 1; place++) {
      if (!(range > 0)) continue;
      distances[order[place]!]! += (lossAt(order[place + 1]!) - lossAt(order[place - 1]!)) / range;
    }
  }
  return distances;
}

const checkFront = signature('paretoFront', {
  objectives: listOf(anObjective),
  trials: listOf(aRecordedTrial),
});
/** The complete trials that no other complete one dominates, in the order of their numbers. */
export function paretoFront<T extends RecordedTrial>(
  objectives: readonly Objective[],
  trials: readonly T[],
): readonly T[] {
  checkFront(objectives, trials);
  const candidates = trials
    .filter(({ result }) => result.status === 'complete' && !result.values.some(Number.isNaN))
    .sort((a, b) => a.number - b.number);
  const losses = candidates.map(({ result }) => lossesOf(objectives, result));
  return candidates.filter((_, i) => !losses.some((other) => dominates(other, losses[i]!)));
}

const checkVolume = signature('hypervolume', {
  objectives: listOf(anObjective, 'a list of two objectives', 2),
  trials: listOf(aRecordedTrial),
  reference: listOf(finite, 'a list of two numbers', 2),
});
/**
 * The area that trials dominate up to a reference point, which is given in the objectives' own values and should be worse than all
 * trials that matter. For two objectives.
 */
export function hypervolume(
  objectives: readonly [Objective, Objective],
  trials: readonly RecordedTrial[],
  reference: readonly [number, number],
): number {
  checkVolume(objectives, trials, reference);
  const [right, top] = lossesOf(objectives, { status: 'complete', values: reference }) as [number, number];
  const points = paretoFront(objectives, trials)
    .map(({ result }) => lossesOf(objectives, result) as [number, number])
    .filter(([x, y]) => x < right && y < top)
    .sort(([a], [b]) => a - b);
  let area = 0;
  let below = top;
  for (const [x, y] of points) {
    if (y >= below) continue;
    area += (right - x) * (below - y);
    below = y;
  }
  return area;
}
