import type { ShardRange } from '@lockstep/collectives';

/** Divides a range of shards over the compute threads: contiguous ranges, with sizes that differ by at most one, none empty. */
export function divide(range: ShardRange, numThreads: number): ShardRange[] {
  const numRanges = Math.min(numThreads, range.count);
  return Array.from({ length: numRanges }, (_, i) => {
    const from = Math.floor((i * range.count) / numRanges);
    const to = Math.floor(((i + 1) * range.count) / numRanges);
    return { start: range.start + from, count: to - from };
  });
}
