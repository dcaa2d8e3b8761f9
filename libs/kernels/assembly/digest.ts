/** The digest of an array's bytes: src/kernels.ts specifies it. A vector holds two of the sixteen lanes. */

// A = ⌊2³²·(√5 − 1)/2⌋ and B = ⌊2³²·(√3 − 1)⌋
@inline const A: i32 = 0x9e3779b9;
@inline const B: i32 = 0xbb67ae85;

@inline const STRIPE_BYTES: usize = 128;

@inline const NO_NANS: i32 = 0;
@inline const FLOAT32: i32 = 1;
@inline const FLOAT64: i32 = 2;

/** Exchanges the halves of x + low·(c − 1), which is low·c + 2³²·high. */
@inline function turn(x: v128, c: i32): v128 {
  const lows = v128.shuffle<i32>(x, x, 0, 2, 0, 2);
  const product = i64x2.extmul_low_i32x4_u(lows, i32x4.splat(c - 1));
  return v128.shuffle<i32>(i64x2.add(x, product), x, 1, 0, 3, 2);
}

@inline function mix(x: v128): v128 {
  return turn(turn(x, A), B);
}

/** Two words, in which every NaN has the same bits. `nans` is a constant wherever this is called. */
@inline function wordsAt(from: usize, offset: usize, nans: i32): v128 {
  const words = v128.load(from + offset);
  if (nans == FLOAT32) {
    return v128.bitselect(i32x4.splat(0x7fc00000), words, f32x4.ne(words, words));
  }
  if (nans == FLOAT64) {
    return v128.bitselect(i64x2.splat(0x7ff8000000000000), words, f64x2.ne(words, words));
  }
  return words;
}

@inline function take(x: v128, from: usize, offset: usize, nans: i32): v128 {
  return mix(v128.xor(x, wordsAt(from, offset, nans)));
}

@inline function firstLanes(lane: i32): v128 {
  const first = i32x4.splat(2 * lane + 1);
  return i32x4.mul(i32x4.add(first, i32x4(0, 1, 2, 3)), i32x4.splat(A));
}

/** Stores the digest of an array of so many bytes. */
function merge(
  out: usize, bytes: usize, x0: v128, x1: v128, x2: v128, x3: v128, x4: v128, x5: v128, x6: v128, x7: v128,
): void {
  x0 = v128.xor(mix(x0), x4), x1 = v128.xor(mix(x1), x5), x2 = v128.xor(mix(x2), x6), x3 = v128.xor(mix(x3), x7);
  x0 = v128.xor(mix(x0), x2), x1 = v128.xor(mix(x1), x3);
  x0 = v128.xor(mix(x0), x1);
  x0 = v128.xor(mix(x0), v128.shuffle<i64>(x0, x0, 1, 0));
  v128.store64_lane(out, mix(mix(v128.xor(x0, i64x2.splat(bytes)))), 0);
}

/** The last stripe, if it is not full, is extended at `work`. */
@inline function digestOf(nans: i32, out: usize, x: usize, bytes: usize, work: usize): void {
  let x0 = firstLanes(0), x1 = firstLanes(2), x2 = firstLanes(4), x3 = firstLanes(6);
  let x4 = firstLanes(8), x5 = firstLanes(10), x6 = firstLanes(12), x7 = firstLanes(14);
  let from = x;
  for (let left = bytes; left > 0; from += STRIPE_BYTES) {
    if (left < STRIPE_BYTES) {
      memory.fill(work, 0, STRIPE_BYTES);
      memory.copy(work, from, left);
      from = work;
      left = STRIPE_BYTES;
    }
    x0 = take(x0, from, 0, nans), x1 = take(x1, from, 16, nans);
    x2 = take(x2, from, 32, nans), x3 = take(x3, from, 48, nans);
    x4 = take(x4, from, 64, nans), x5 = take(x5, from, 80, nans);
    x6 = take(x6, from, 96, nans), x7 = take(x7, from, 112, nans);
    left -= STRIPE_BYTES;
  }
  merge(out, bytes, x0, x1, x2, x3, x4, x5, x6, x7);
}

export function digest(nans: i32, out: usize, x: usize, bytes: usize, work: usize): void {
  if (nans == FLOAT32) digestOf(FLOAT32, out, x, bytes, work);
  else if (nans == FLOAT64) digestOf(FLOAT64, out, x, bytes, work);
  else digestOf(NO_NANS, out, x, bytes, work);
}
