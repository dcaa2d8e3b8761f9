import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mulberry32, sameBits, shardValues, treeOf } from './fixtures/cluster.ts';
import { combine } from './fixtures/combine.ts';
import {
  alignedSubtrees,
  combineAt,
  combineTree,
  createScratch,
  isWithin,
  type NodePartial,
} from './tree.ts';

const one = (level: number, index: number, value = 1): NodePartial => ({
  node: { level, index },
  data: Float32Array.of(value),
});
const internal = expect.objectContaining({ code: 'internal' });

describe('alignedSubtrees', () => {
  it('covers a range with the fewest nodes, from left to right', () => {
    expect(alignedSubtrees({ start: 0, count: 8 })).toEqual([{ level: 3, index: 0 }]);
    expect(alignedSubtrees({ start: 3, count: 4 })).toEqual([
      { level: 0, index: 3 },
      { level: 1, index: 2 },
      { level: 0, index: 6 },
    ]);
    expect(alignedSubtrees({ start: 5, count: 0 })).toEqual([]);
  });
});

describe('combineTree', () => {
  it('gives the bits of the whole tree for any mixture of nodes, in any order', () => {
    const cases = fc.record({
      seed: fc.integer(),
      levels: fc.integer({ min: 0, max: 5 }),
      depth: fc.integer({ max: 5 }),
    });
    fc.assert(
      fc.property(cases, ({ seed, levels, depth }) => {
        const random = mulberry32(seed);
        const shards = Array.from({ length: 2 ** levels }, () => shardValues(random, 'sum', 9));
        const partials: NodePartial[] = [];
        const split = (level: number, index: number) => {
          if (level > 0 && (level > depth || random() % 2 === 0)) {
            split(level - 1, 2 * index + (random() % 2 === 0 ? 0 : 1));
            const taken = partials.length;
            const last = partials[taken - 1]!.node;
            const wentRight = Math.floor(last.index / 2 ** (level - 1 - last.level)) % 2 === 1;
            split(level - 1, 2 * index + (wentRight ? 0 : 1));
            return;
          }
          const covered = shards.slice(index * 2 ** level, (index + 1) * 2 ** level);
          partials.push({ node: { level, index }, data: treeOf(covered, 'sum') });
        };
        split(levels, 0);
        expect(sameBits(combineTree(partials, 2 ** levels, 'sum', combine), treeOf(shards, 'sum'))).toBe(
          true,
        );
      }),
    );
  });

  it('refuses gaps, repetitions, overlaps, unequal sizes and numbers of shards that are no power of two', () => {
    expect(() => combineTree([one(0, 0)], 2, 'sum', combine)).toThrowError(internal);
    expect(() => combineTree([one(0, 0), one(0, 0), one(0, 1)], 2, 'sum', combine)).toThrowError(internal);
    expect(() => combineTree([one(1, 0), one(0, 1)], 2, 'sum', combine)).toThrowError(internal);
    expect(() => combineTree([one(0, 0), one(0, 1), one(0, 2)], 2, 'sum', combine)).toThrowError(internal);
    expect(() =>
      combineTree([one(0, 0), { ...one(0, 1), data: new Float32Array(2) }], 2, 'sum', combine),
    ).toThrowError(internal);
    for (const numShards of [0, 3, -2, 1.5, Number.NaN]) {
      expect(() => combineTree([], numShards, 'sum', combine)).toThrowError(
        expect.objectContaining({ code: 'argument' }),
      );
    }
  });

  it('combines a subtree alone and writes to no partial', () => {
    const partials = [one(0, 4, 1), one(0, 5, 2), one(1, 3, 4)];
    const how = { op: 'sum' as const, combine, scratch: createScratch() };
    const out = new Float32Array(1);
    combineAt({ level: 2, index: 1 }, partials, how, out);
    expect([...out]).toEqual([7]);
    expect(partials).toEqual([one(0, 4, 1), one(0, 5, 2), one(1, 3, 4)]);
    combineAt({ level: 1, index: 3 }, [one(1, 3, 4)], how, out);
    expect([...out]).toEqual([4]);
    expect(() => combineAt({ level: 1, index: 2 }, partials, how, out)).toThrowError(internal);
  });
});

describe('isWithin', () => {
  it('is true of the nodes of a subtree only', () => {
    const root = { level: 2, index: 1 };
    for (const [level, index, expected] of [
      [2, 1, true],
      [0, 4, true],
      [0, 7, true],
      [1, 3, true],
      [0, 3, false],
      [0, 8, false],
      [3, 0, false],
    ] as const) {
      expect(isWithin({ level, index }, root), `${level}:${index}`).toBe(expected);
    }
  });
});
