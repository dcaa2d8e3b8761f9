import type { TypedArray } from '@lockstep/tensor';

const NUM_LANES = 32;
const STRIPE_BYTES = 8 * NUM_LANES;
/** The stripes that are prepared together. */
const BLOCK_BYTES = 32 * STRIPE_BYTES;

const A = Math.floor((2 ** 32 * (Math.sqrt(5) - 1)) / 2);
const B = Math.floor(2 ** 32 * (Math.sqrt(3) - 1));

/** Lane j lies in x[2j], its low half, and x[2j + 1]. */
type Lanes = Uint32Array;

function turn(x: Lanes, lane: number, c: number): void {
  const low = x[2 * lane]!;
  const high = x[2 * lane + 1]!;
  // The products of 32 and 16 bits are exact.
  const carry = Math.floor((low * (c & 0xffff)) / 2 ** 16);
  x[2 * lane] = Math.floor((low * (c >>> 16) + carry) / 2 ** 16) + high;
  x[2 * lane + 1] = Math.imul(low, c);
}

function mix(x: Lanes, lane: number): void {
  turn(x, lane, A);
  turn(x, lane, B);
}

function addStripe(x: Lanes, words: Uint32Array, start: number): void {
  for (let i = 0; i < x.length; i++) x[i]! ^= words[start + i]!;
  for (let lane = 0; lane < NUM_LANES; lane++) mix(x, lane);
}

function mergeLanes(x: Lanes): void {
  for (let half = NUM_LANES / 2; half >= 1; half /= 2) {
    for (let lane = 0; lane < half; lane++) mix(x, lane);
    for (let i = 0; i < 2 * half; i++) x[i]! ^= x[2 * half + i]!;
  }
}

/** Gives every NaN of a block the bits that count for all of them. */
function unifyNaNs(x: TypedArray, words: Uint32Array): void {
  if (x instanceof Float32Array) {
    const floats = new Float32Array(words.buffer);
    for (let i = 0; i < floats.length; i++) if (Number.isNaN(floats[i])) words[i] = 0x7fc00000;
  } else if (x instanceof Float64Array) {
    const floats = new Float64Array(words.buffer);
    for (let i = 0; i < floats.length; i++) if (Number.isNaN(floats[i])) words.set([0, 0x7ff80000], 2 * i);
  }
}

export function digest(out: Uint32Array, x: TypedArray): void {
  const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  const block = new Uint8Array(BLOCK_BYTES);
  const words = new Uint32Array(block.buffer);
  const lanes = Uint32Array.from({ length: 2 * NUM_LANES }, (_, i) => Math.imul(i + 1, A));
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const part = bytes.subarray(start, start + BLOCK_BYTES);
    block.fill(0, part.length);
    block.set(part);
    unifyNaNs(x, words);
    for (let at = 0; at < part.length; at += STRIPE_BYTES) addStripe(lanes, words, at / 4);
  }
  mergeLanes(lanes);
  lanes[0]! ^= bytes.length;
  lanes[1]! ^= Math.floor(bytes.length / 2 ** 32);
  mix(lanes, 0);
  mix(lanes, 0);
  out.set(lanes.subarray(0, 2));
}
