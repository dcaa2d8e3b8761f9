/** Assigns shards to workers. */

import { LockstepError } from '@lockstep/errors';

/** Shards `start .. start + count - 1`. */
export interface ShardRange {
  readonly start: number;
  readonly count: number;
}

/**
 * Splits shards `0 .. numShards - 1` into contiguous ranges, one per worker in the given order. Each of the first
 * `numShards` workers gets one shard. Every further shard goes to the worker whose load per weight stays smallest (the
 * method of highest averages; ties go to the earlier worker), so counts differ by at most one between equal weights.
 * Workers beyond `numShards` get an empty range and stand by.
 *
 * @param weights relative speeds, such as numbers of threads; positive
 * @throws LockstepError `argument` if `numShards` is no power of two or a weight is not positive
 */
export function assignShards(numShards: number, weights: readonly number[]): readonly ShardRange[] {
  if (!Number.isInteger(numShards) || numShards < 1 || (numShards & (numShards - 1)) !== 0) {
    throw new LockstepError(
      'argument',
      `assignShards: ${numShards} shards; the number must be a power of two`,
      {
        numShards,
      },
    );
  }
  const bad = weights.find((weight) => !(weight > 0 && Number.isFinite(weight)));
  if (bad !== undefined) {
    throw new LockstepError('argument', `assignShards: weight ${bad}; weights must be positive`, { weights });
  }
  const counts: number[] = weights.map((_weight, worker) => (worker < numShards ? 1 : 0));
  const taken = Math.min(weights.length, numShards);
  if (taken > 0) {
    for (let shard = taken; shard < numShards; shard++) {
      const worker = leastLoaded(counts, weights, taken);
      counts[worker] = counts[worker]! + 1;
    }
  }
  let start = 0;
  return counts.map((count) => {
    const range = { start, count };
    start += count;
    return range;
  });
}

/** Compares loads by cross-multiplication, because a division would round. */
function leastLoaded(counts: readonly number[], weights: readonly number[], numWorkers: number): number {
  let best = 0;
  for (let worker = 1; worker < numWorkers; worker++) {
    if ((counts[worker]! + 1) * weights[best]! < (counts[best]! + 1) * weights[worker]!) best = worker;
  }
  return best;
}
