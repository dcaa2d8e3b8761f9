import { describe, expect, it } from 'vitest';
import { assignShards } from './shards.ts';
import { createRandom } from './simulator/random.ts';

describe('assignShards', () => {
  it('gives one worker all shards', () => {
    expect(assignShards(8, [3])).toEqual([{ start: 0, count: 8 }]);
  });

  it('splits evenly between equal weights, with the remainder for the earlier workers', () => {
    expect(assignShards(8, [1, 1, 1]).map(({ count }) => count)).toEqual([3, 3, 2]);
  });

  it('follows the weights', () => {
    expect(assignShards(8, [1, 3]).map(({ count }) => count)).toEqual([2, 6]);
  });

  it('gives each worker a shard while there are enough', () => {
    expect(assignShards(4, [100, 1, 1]).map(({ count }) => count)).toEqual([2, 1, 1]);
  });

  it('lets workers beyond the number of shards stand by', () => {
    expect(assignShards(2, [1, 1, 9])).toEqual([
      { start: 0, count: 1 },
      { start: 1, count: 1 },
      { start: 2, count: 0 },
    ]);
  });

  it('covers every shard once, in order, for any weights', () => {
    const random = createRandom(7);
    for (let trial = 0; trial < 500; trial++) {
      const numShards = 1 << random.below(8);
      const weights = Array.from({ length: 1 + random.below(20) }, () => 1 + random.below(16));
      let next = 0;
      for (const { start, count } of assignShards(numShards, weights)) {
        expect(start).toBe(next);
        next += count;
      }
      expect(next).toBe(numShards);
    }
  });

  it('differs by at most one between equal weights', () => {
    for (let numWorkers = 1; numWorkers <= 64; numWorkers++) {
      const counts = assignShards(64, new Array<number>(numWorkers).fill(4)).map(({ count }) => count);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it.each([0, 3, -4, 1.5, Number.NaN])('refuses %s shards', (numShards) => {
    expect(() => assignShards(numShards, [1])).toThrow(/power of two/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses a weight of %s', (weight) => {
    expect(() => assignShards(4, [1, weight])).toThrow(/positive/);
  });
});
