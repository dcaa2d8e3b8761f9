import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fnv1a64, foldIn, keyFromSeed } from './key.ts';
import { threefry2x32 } from './threefry.ts';

describe('keyFromSeed', () => {
  it('splits the seed into its high and low words', () => {
    expect(keyFromSeed(7)).toEqual([0, 7]);
    expect(keyFromSeed(Number.MAX_SAFE_INTEGER)).toEqual([0x1fffff, 0xffffffff]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53])('refuses %f', (seed) => {
    expect(() => keyFromSeed(seed)).toThrow(RangeError);
  });
});

describe('fnv1a64', () => {
  // Vectors of the FNV reference code (Fowler, Noll, Vo: test_fnv.c).
  it.each([
    ['', 0xcbf29ce484222325n],
    ['a', 0xaf63dc4c8601ec8cn],
    ['foobar', 0x85944171f73967e8n],
  ])('%j', (text, hash) => {
    expect(fnv1a64(text)).toBe(hash);
  });

  it('hashes UTF-8 bytes, not UTF-16 units', () => {
    expect(fnv1a64('é')).not.toBe(fnv1a64('\u{e9}'.normalize('NFD')));
    expect(foldIn([0, 0], 'Schicht/ü')).not.toEqual(foldIn([0, 0], 'Schicht/u'));
  });
});

describe('foldIn', () => {
  const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

  it('depends on key and data only, and is injective in a number', () => {
    fc.assert(
      fc.property(uint32, uint32, uint32, uint32, (k0, k1, a, b) => {
        expect(foldIn([k0, k1], a)).toEqual(foldIn([k0, k1], a));
        if (a !== b) expect(foldIn([k0, k1], a)).not.toEqual(foldIn([k0, k1], b));
      }),
    );
  });

  it('separates numbers, strings and the stream of bits', () => {
    const key = keyFromSeed(1);
    expect(foldIn(key, 3)).not.toEqual(foldIn(key, '3'));
    expect(foldIn(key, 3)).not.toEqual(threefry2x32(key[0], key[1], 3, 0));
    expect(foldIn(foldIn(key, 'a'), 'b')).not.toEqual(foldIn(key, 'ab'));
  });

  it('keeps its values, which define the meaning of a seed', () => {
    const key = keyFromSeed(1);
    expect(foldIn(key, 5)).toEqual([936270542, 3157881992]);
    expect(foldIn(key, 'shuffle')).toEqual([2792585304, 1662861823]);
  });

  it.each([-1, 2 ** 32, 0.5])('refuses %f', (datum) => {
    expect(() => foldIn([0, 0], datum)).toThrow(RangeError);
  });
});
