import { defaultChunkRules, expectedBytes, type ShardRange } from '@lockstep/collectives';
import { expect, it } from 'vitest';
import { maxHeldBytes } from './held-bytes.ts';

const numShards = 16;

/** Divisions with one large owner and several small ones, which have the most subtrees. */
const divisions: readonly (readonly number[])[] = [[8, 8], [15, 1], [5, 6, 5], [7, 1, 8], Array(16).fill(1)];

it.each([1, 100_000, 200_000_000])(
  'leaves room for two exchanges of %d elements, however shards are owned',
  (size) => {
    for (const counts of divisions) {
      const ranges: ShardRange[] = [];
      for (const count of counts)
        ranges.push({ start: ranges.reduce((sum, range) => sum + range.count, 0), count });
      for (const rank of ranges.keys()) {
        const { received } = expectedBytes('sum', size, rank, ranges, defaultChunkRules);
        expect(maxHeldBytes([4 * size], numShards)).toBeGreaterThan(2 * received);
      }
    }
  },
);
