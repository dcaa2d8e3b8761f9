/** The digest of an array's bytes: src/kernels.ts specifies it. A vector holds two of its 32 lanes. */

// A = ⌊2³²·(√5 − 1)/2⌋ and B = ⌊2³²·(√3 − 1)⌋
@inline const A: i32 = 0x9e3779b9;
@inline const B: i32 = 0xbb67ae85;

@inline const STRIPE_BYTES: usize = 256;
@inline const VECTOR_BYTES: usize = 16;

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

/** Gives every NaN the same bits. */
@inline function unifyNaNs(words: v128, nans: i32): v128 {
  if (nans == FLOAT32) return v128.bitselect(i32x4.splat(0x7fc00000), words, f32x4.ne(words, words));
  if (nans == FLOAT64) return v128.bitselect(i64x2.splat(0x7ff8000000000000), words, f64x2.ne(words, words));
  return words;
}

/** `nans` is a constant wherever this is called. */
@inline function takeStripes(nans: i32, lanes: usize, from: usize, end: usize): void {
  for (; from < end; from += STRIPE_BYTES) {
    for (let at: usize = 0; at < STRIPE_BYTES; at += VECTOR_BYTES) {
      const words = unifyNaNs(v128.load(from + at), nans);
      v128.store(lanes + at, mix(v128.xor(v128.load(lanes + at), words)));
    }
  }
}

function takeAll(nans: i32, lanes: usize, from: usize, end: usize): void {
  if (nans == FLOAT32) takeStripes(FLOAT32, lanes, from, end);
  else if (nans == FLOAT64) takeStripes(FLOAT64, lanes, from, end);
  else takeStripes(NO_NANS, lanes, from, end);
}

/** Stores two words at `out`. The workspace holds the lanes, and the last stripe if it is not full. */
export function digest(nans: i32, out: usize, x: usize, bytes: usize, work: usize): void {
  const stripe = work + STRIPE_BYTES;
  for (let i: i32 = 0; i < 64; i++) store<i32>(work + (i << 2), (i + 1) * A);
  const rest = bytes % STRIPE_BYTES;
  const end = x + bytes - rest;
  takeAll(nans, work, x, end);
  if (rest > 0) {
    memory.fill(stripe, 0, STRIPE_BYTES);
    memory.copy(stripe, end, rest);
    takeAll(nans, work, stripe, stripe + STRIPE_BYTES);
  }
  for (let half = STRIPE_BYTES / 2; half >= VECTOR_BYTES; half /= 2) {
    for (let lane = work; lane < work + half; lane += VECTOR_BYTES) {
      v128.store(lane, v128.xor(mix(v128.load(lane)), v128.load(lane + half)));
    }
  }
  const pair = v128.load(work);
  const last = v128.xor(mix(pair), v128.shuffle<i64>(pair, pair, 1, 0));
  v128.store64_lane(out, mix(mix(v128.xor(last, i64x2.splat(bytes)))), 0);
}
