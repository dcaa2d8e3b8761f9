import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyFromSeed } from './key.ts';
import { fillRandomBits, permutation, randomUint } from './stream.ts';
import { threefry2x32 } from './threefry.ts';

const key = keyFromSeed(42);

describe('fillRandomBits', () => {
  it.each([0, 1, 2, 7, 8])('%i words are those of counters (j, 0)', (length) => {
    const out = new Uint32Array(length);
    fillRandomBits(out, key);
    const pairs = Array.from({ length: Math.ceil(length / 2) }, (_, j) => threefry2x32(...key, j, 0));
    expect([...out]).toEqual(pairs.flat().slice(0, length));
  });
});

describe('randomUint', () => {
  it('stays below the bound', () => {
    const bound = fc.integer({ min: 1, max: 2 ** 32 });
    const counter = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(counter, bound, (c, b) => {
        const value = randomUint(key, c, b);
        expect(Number.isInteger(value) && value >= 0 && value < b).toBe(true);
      }),
    );
  });

  it('spreads evenly: chi-square of 16 cells below the 0.1 % limit of 37.7', () => {
    const cells = new Array<number>(16).fill(0);
    for (let counter = 0; counter < 16_000; counter++) cells[randomUint(key, counter, 16)]! += 1;
    const chiSquare = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(37.7);
  });

  it.each([0, 1.5, 2 ** 33])('refuses bound %f', (bound) => {
    expect(() => randomUint(key, 0, bound)).toThrow(RangeError);
  });
});

describe('permutation', () => {
  it('has every number once', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(), (n, seed) => {
        const order = permutation(keyFromSeed(seed), n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  it('reaches all orders of three about equally often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const order = permutation(keyFromSeed(seed), 3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(20.5); // 0.1 % limit for 5 degrees of freedom
  });

  it('keeps its values, which define the meaning of a seed', () => {
    expect([...permutation(keyFromSeed(1), 10)]).toEqual([1, 8, 3, 0, 5, 2, 6, 4, 9, 7]);
  });
});
