import type { Key } from './key.ts';
import { threefry2x32, threefryInto } from './threefry.ts';

/** Fills `out` from the key's stream: `out[2j]` and `out[2j + 1]` are the two words of counter `(j, 0)`. */
export function fillRandomBits(out: Uint32Array, key: Key): void {
  const [k0, k1] = key;
  const even = out.length - (out.length % 2);
  for (let i = 0; i < even; i += 2) threefryInto(out, i, k0, k1, i / 2, 0);
  if (even < out.length) out[even] = threefry2x32(k0, k1, even / 2, 0)[0];
}

/** The integer in `0 … bound − 1` that the key's stream has at `counter` (its first word). `bound` ≤ 2³². */
export function randomUint(key: Key, counter: number, bound: number): number {
  if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
    throw new RangeError(`randomUint: bound ${bound} is not an integer in 1 … 2^32`);
  }
  return scale(threefry2x32(key[0], key[1], counter, 0)[0], bound);
}

/**
 * The numbers `0 … n − 1` in the order given by the key: Fisher–Yates, taking the swap of place `i` from word
 * `i` of the stream. A place's probability is off by at most n / 2³², far below what a run could notice.
 */
export function permutation(key: Key, n: number): Int32Array {
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  const bits = new Uint32Array(n);
  fillRandomBits(bits, key);
  for (let i = n - 1; i > 0; i--) {
    const j = scale(bits[i]!, i + 1);
    const last = order[i]!;
    order[i] = order[j]!;
    order[j] = last;
  }
  return order;
}

/** Maps a uint32 word to `0 … bound − 1` by multiply and shift; IEEE doubles make it the same everywhere. */
function scale(word: number, bound: number): number {
  return Math.floor((word * bound) / 2 ** 32);
}
