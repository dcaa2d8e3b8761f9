/**
 * Threefry-2x32 with 20 rounds: a keyed bijection of 64-bit counters whose outputs pass statistical tests of randomness.
 * Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 */

const parity = 0x1bd11bda;

const rotateLeft = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Writes the two words of counter `(c0, c1)` under key `(k0, k1)` to `out[at]` and `out[at + 1]`. */
export function threefryInto(
  out: Uint32Array,
  at: number,
  k0: number,
  k1: number,
  c0: number,
  c1: number,
): void {
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  // Two of the three key words are added after each group of four rounds, in turn.
  let [a, b, c] = [k1, k0 ^ k1 ^ parity, k0];
  for (let group = 1; group <= 5; group++) {
    const odd = (group & 1) === 1;
    x0 = (x0 + x1) | 0;
    x1 = rotateLeft(x1, odd ? 13 : 17) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = rotateLeft(x1, odd ? 15 : 29) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = rotateLeft(x1, odd ? 26 : 16) ^ x0;
    x0 = (x0 + x1) | 0;
    x1 = rotateLeft(x1, odd ? 6 : 24) ^ x0;
    x0 = (x0 + a) | 0;
    x1 = (x1 + b + group) | 0;
    [a, b, c] = [b, c, a];
  }
  out[at] = x0;
  out[at + 1] = x1;
}

/** The two uint32 words of counter `(c0, c1)` under key `(k0, k1)`. */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): readonly [number, number] {
  const words = new Uint32Array(2);
  threefryInto(words, 0, k0, k1, c0, c1);
  return [words[0]!, words[1]!];
}
