import type { Key } from './key.ts';
import { threefry2x32, threefryInto } from './threefry.ts';

/** Fills `out` from the key's stream: `out[2j]` and `out[2j + 1]` are the two words of counter `(j, 0)`. */
export function fillRandomBits(out: Uint32Array, key: Key): void {
  const [k0, k1] = key;
  const even = out.length - (out.length % 2);
  for (let i = 0; i < even; i += 2) threefryInto(out, i, k0, k1, i / 2, 0);
  if (even < out.length) out[even] = threefry2x32(k0, k1, even / 2, 0)[0];
}

/** An integer in `0 … bound − 1` from the first word of the key's stream at `counter`. `bound` ≤ 2³². */
export function randomUint(key: Key, counter: number, bound: number): number {
  if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
    throw new RangeError(`randomUint: bound ${bound} is not an integer in 1 … 2^32`);
  }
  return scale(threefry2x32(key[0], key[1], counter, 0)[0], bound);
}

/**
 * The numbers `0 … n − 1` in an order that the key determines, by the Fisher–Yates shuffle. Word `i` of the stream chooses
 * the swap of place `i`. The probability of a place is off by at most n / 2³², too little for a run to notice.
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

/** Maps a uint32 word to `0 … bound − 1` by multiplication and a shift, which are the same everywhere in IEEE doubles. */
function scale(word: number, bound: number): number {
  return Math.floor((word * bound) / 2 ** 32);
}
