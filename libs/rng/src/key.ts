import { threefry2x32 } from './threefry.ts';

/**
 * Two uint32 words that identify an independent stream of random numbers. Keys are derived from the use of a number (seed,
 * purpose, path, step, shard), never from a rank, a thread or the time.
 */
export type Key = readonly [number, number];

/** The purposes of keys. A purpose is folded into the key of a seed first. */
export const purposes = {
  init: 'init',
  shuffle: 'shuffle',
  dropout: 'dropout',
  augment: 'augment',
  noise: 'noise',
  sweep: 'sweep',
} as const;
export type Purpose = (typeof purposes)[keyof typeof purposes];

/** The second counter word separates the uses of a key; streams of bits use 0. */
const numberDomain = 1;
const stringDomain = 2;

/** The key of a seed, which is a safe integer ≥ 0. @throws RangeError otherwise. */
export function keyFromSeed(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`keyFromSeed: seed ${seed} is not an integer in 0 … 2^53 − 1`);
  }
  return [Math.floor(seed / 2 ** 32), seed >>> 0];
}

/**
 * Derives a key from `key` and a number (uint32) or a string. Different data give unrelated keys; numbers and strings use
 * separate domains. @throws RangeError for other numbers.
 */
export function foldIn(key: Key, data: number | string): Key {
  if (typeof data === 'number') {
    if (data >>> 0 !== data) throw new RangeError(`foldIn: ${data} is not an integer in 0 … 2^32 − 1`);
    return threefry2x32(key[0], key[1], data, numberDomain);
  }
  const hash = fnv1a64(data);
  const half = threefry2x32(key[0], key[1], Number(hash >> 32n), stringDomain);
  return threefry2x32(half[0], half[1], Number(hash & 0xffffffffn), stringDomain);
}

/** FNV-1a, 64 bits, over the UTF-8 bytes of `text`. Source: draft-eastlake-fnv. */
export function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
}
