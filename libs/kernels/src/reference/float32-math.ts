/**
 * Functions of float32 elements. They use only float32 operations, each rounded once, so that every backend gives the same
 * bits. Polynomials are those of Cephes (Moshier) unless a comment says otherwise. Errors are relative to the exact value,
 * in units of the last place (ulp); `float32-math.test.ts` checks them.
 */
import { cosOfLarge, NEAR_ANGLES, sinOfLarge } from './large-angles.ts';

const { abs, floor, fround, max, min } = Math;

const LOG2_E = fround(Math.LOG2E);
// ln 2 in two parts: n·LN2_HIGH is exact for |n| ≤ 2¹⁵.
const LN2_HIGH = 0.693359375;
const LN2_LOW = fround(-2.1219444e-4);
const SQRT_HALF = fround(Math.SQRT1_2);
const SMALLEST_NORMAL = fround(1.17549435e-38);
const TWO_OVER_PI = fround(2 / Math.PI);
/** A number below 2²² plus this has no fraction left; the last bits of the sum are those of the rounded number. */
const ROUNDER = 1.5 * 2 ** 23;
// π/2 in parts of 8 bits and a remainder: n·part is exact for n < 2¹⁶.
const HALF_PI_PARTS = [
  1.5703125,
  0.0004825592041015625,
  0.0000012665987014770508,
  9.89530235528946e-10,
  fround(2.5633440682570896e-12),
];

const EXP = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5].map(
  fround,
);
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(fround);
const SIN = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(fround);
const COS = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(fround);
const TANH = [
  -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1,
].map(fround);
// Minimax polynomials of N. Juffa: x + x·P(x²) near 0, 1 − e^(x·Q(x) − x) beyond.
const ERF_NEAR = [
  -5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1,
].map(fround);
const ERF_FAR = [
  -1.7285347e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1, -6.34846687e-1, -1.28717512e-1,
].map(fround);

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

/** Horner's scheme: `coefficients` from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let p = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) p = fround(fround(p * x) + coefficients[i]!);
  return p;
}

/** 2ⁿ for −126 ≤ n ≤ 127. */
function powerOfTwo(n: number): number {
  bits[0] = (n + 127) << 23;
  return floats[0]!;
}

function isNegative(x: number): boolean {
  return x < 0 || Object.is(x, -0);
}

function withSign(negative: boolean, magnitude: number): number {
  return negative ? -magnitude : magnitude;
}

/** eˣ within 1 ulp (denormal results within 1 of their last place); above 88.7228 +∞, below −103.98 +0. */
function exp(x: number): number {
  const t = min(max(x, -104), 89);
  const n = floor(fround(fround(t * LOG2_E) + 0.5));
  const r = fround(fround(t - fround(n * LN2_HIGH)) - fround(n * LN2_LOW));
  const p = fround(polynomial(EXP, r) * fround(r * r));
  const y = fround(fround(p + r) + 1);
  // Two factors, since 2ⁿ alone may be denormal or too large. The first product is exact.
  const half = n >> 1;
  return fround(fround(y * powerOfTwo(half)) * powerOfTwo(n - half));
}

/** Natural logarithm within 1 ulp, denormal arguments included; ±0 → −∞, below 0 → NaN, +∞ → +∞. */
function log(x: number): number {
  if (!(x >= 0)) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return x;
  const denormal = x < SMALLEST_NORMAL;
  floats[0] = denormal ? x * 8388608 : x;
  const word = bits[0]!;
  bits[0] = (word & 0x7fffff) | 0x3f000000;
  const mantissa = floats[0]!; // in [½, 1)
  const low = mantissa < SQRT_HALF;
  const f = low ? fround(fround(mantissa + mantissa) - 1) : fround(mantissa - 1);
  const e = (word >> 23) - 126 - (denormal ? 23 : 0) - (low ? 1 : 0);
  const z = fround(f * f);
  let y = fround(fround(polynomial(LOG, f) * f) * z);
  y = fround(y + fround(e * LN2_LOW));
  y = fround(y - fround(0.5 * z));
  return fround(fround(f + y) + fround(e * LN2_HIGH));
}

/** |x| = n·π/2 + r + tail, |r| ≤ π/4 (a rounding of n adds up to 0.002). */
interface Angle {
  readonly n: number;
  readonly r: number;
  readonly tail: number;
}

/**
 * Cody and Waite's reduction for |x| ≤ NEAR_ANGLES. The differences with the first two parts are exact. The rounding error
 * of each later difference goes to the next part, and the last one is the tail.
 */
function reduceAngle(magnitude: number): Angle {
  const n = fround(fround(fround(magnitude * TWO_OVER_PI) + ROUNDER) - ROUNDER);
  const [first, second, ...others] = HALF_PI_PARTS as [number, number, ...number[]];
  let r = fround(fround(magnitude - fround(n * first)) - fround(n * second));
  let tail = 0;
  for (const part of others) {
    const taken = fround(fround(n * part) - tail);
    const before = r;
    r = fround(before - taken);
    tail = fround(fround(before - r) - taken);
  }
  return { n, r, tail };
}

/** sin(r + tail) */
function sinPolynomial({ r, tail }: Angle): number {
  const z = fround(r * r);
  return fround(fround(fround(fround(polynomial(SIN, z) * z) * r) + tail) + r);
}

/** cos(r + tail). The tail is too small to change it. */
function cosPolynomial({ r }: Angle): number {
  const z = fround(r * r);
  return fround(fround(fround(polynomial(COS, z) * fround(z * z)) - fround(0.5 * z)) + 1);
}

/** Within 1.4 ulp for all finite numbers; ±∞ → NaN, −0 → −0. */
function sin(x: number): number {
  const magnitude = abs(x);
  if (magnitude > NEAR_ANGLES) return withSign(x < 0, sinOfLarge(magnitude));
  const angle = reduceAngle(magnitude);
  const y = (angle.n & 1) === 1 ? cosPolynomial(angle) : sinPolynomial(angle);
  return withSign(isNegative(x) !== ((angle.n & 2) === 2), y);
}

/** Within 1.4 ulp for all finite numbers; ±∞ → NaN. */
function cos(x: number): number {
  const magnitude = abs(x);
  if (magnitude > NEAR_ANGLES) return cosOfLarge(magnitude);
  const angle = reduceAngle(magnitude);
  const y = (angle.n & 1) === 1 ? sinPolynomial(angle) : cosPolynomial(angle);
  return withSign(((angle.n + 1) & 2) === 2, y);
}

/** Within 2 ulp; ±∞ → ±1, −0 → −0. */
function tanh(x: number): number {
  const t = abs(x);
  const z = fround(t * t);
  const near = fround(fround(fround(polynomial(TANH, z) * z) * t) + t);
  const far = fround(1 - fround(2 / fround(exp(fround(t + t)) + 1)));
  return withSign(isNegative(x), t < 0.625 ? near : far);
}

/** 1/(1+e⁻ˣ) within 3 ulp; +∞ → 1, −∞ → +0. */
function sigmoid(x: number): number {
  const e = exp(-abs(x));
  return fround((x >= 0 ? 1 : e) / fround(1 + e));
}

/** Within 2 ulp; ±∞ → ±1, −0 → −0. */
function erf(x: number): number {
  const t = min(abs(x), 4); // erf 4 rounds to 1
  const near = fround(fround(polynomial(ERF_NEAR, fround(t * t)) * t) + t);
  const far = fround(1 - exp(fround(fround(polynomial(ERF_FAR, t) * t) - t)));
  return withSign(isNegative(x), t <= 0.927734375 ? near : far);
}

/** The functions, by the names of their operations. */
export const float32Math = { exp, log, sin, cos, tanh, sigmoid, erf };
