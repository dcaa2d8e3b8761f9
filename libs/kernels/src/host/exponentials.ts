/**
 * Exponentials and logarithms of doubles. The rounded parts of a logarithm are added in the order of fdlibm (Sun
 * Microsystems, 1993); the coefficients are those of the power series.
 */
import {
  exponentOf,
  inverseFactorial,
  LN2_HIGH,
  LN2_LOW,
  mantissaOf,
  polynomial,
  SMALLEST_NORMAL,
  scaled,
  series,
} from './doubles.ts';

const { abs, floor, sqrt, max } = Math;

const LN2 = Math.LN2;
/** (eʳ − 1 − r)/r² with relative error 2⁻⁵⁷ for |r| ≤ ½ ln 2. */
const EXP = series(12, (i) => inverseFactorial(i + 2));
/** 2 atanh(s) = 2s + s·z·LOG(z), z = s². */
const LOG = series(10, (i) => 2 / (2 * i + 3));

const roundToInteger = (x: number): number => floor(x + 0.5);

/** e^(x + rest) within 1 ulp, for a `rest` of at most one ulp of x. */
export function exp(x: number, rest = 0): number {
  if (x > 709.79) return Number.POSITIVE_INFINITY;
  if (x < -745.2) return 0;
  const n = roundToInteger(x * Math.LOG2E);
  return scaled(1 + expTail(x, n, rest), n);
}

/** e^(x + rest − n·ln 2) − 1, where this exponent is at most ½ ln 2. */
function expTail(x: number, n: number, rest: number): number {
  const high = x - n * LN2_HIGH;
  const low = n * LN2_LOW - rest;
  const r = high - low;
  return r + (r * r * polynomial(EXP, r) + (high - r - low));
}

/** eˣ − 1 within 2 ulp. */
export function expm1(x: number): number {
  if (x > 709.79) return Number.POSITIVE_INFINITY;
  if (x < -40) return -1;
  if (x === 0) return x;
  const n = roundToInteger(x * Math.LOG2E);
  const tail = expTail(x, n, 0);
  if (n === 0) return tail;
  if (n > 60) return scaled(1 + tail, n);
  const power = scaled(1, n);
  return power - 1 + power * tail;
}

/** 2ˣ within 1 ulp, exact for whole numbers. */
export function exp2(x: number): number {
  if (x >= 1024) return Number.POSITIVE_INFINITY;
  if (x < -1076) return 0;
  const n = roundToInteger(x);
  const r = (x - n) * LN2;
  return scaled(1 + (r + r * r * polynomial(EXP, r)), n);
}

/** ln((1 + f)·2ⁿ) + rest for 1 + f between √½ and √2. */
function logOf(f: number, n: number, rest: number): number {
  const s = f / (2 + f);
  const z = s * s;
  const half = 0.5 * f * f;
  const small = s * (half + z * polynomial(LOG, z));
  return n * LN2_HIGH - (half - (small + (n * LN2_LOW + rest)) - f);
}

/** ln x + rest within 1 ulp, denormal arguments included. */
export function log(x: number, rest = 0): number {
  if (!(x >= 0)) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (x === Number.POSITIVE_INFINITY) return x;
  const isDenormal = x < SMALLEST_NORMAL;
  const normal = isDenormal ? x * 2 ** 54 : x;
  const m = mantissaOf(normal);
  const isHigh = m > Math.SQRT2;
  const n = exponentOf(normal) - (isDenormal ? 54 : 0) + (isHigh ? 1 : 0);
  return logOf((isHigh ? m * 0.5 : m) - 1, n, rest);
}

/** ln(1 + x) within 2 ulp. */
export function log1p(x: number): number {
  if (x < -1) return Number.NaN;
  if (x > -0.29 && x < 0.41) return abs(x) < 2 ** -54 ? x : logOf(x, 0, 0);
  const sum = 1 + x;
  if (!(sum > 0 && sum < Number.POSITIVE_INFINITY)) return log(sum);
  // The rounding error of the addition.
  const lost = x >= 1 ? 1 - (sum - x) : x - (sum - 1);
  return log(sum, lost / sum);
}

/** sinh x within 3 ulp. */
export function sinh(x: number): number {
  const t = abs(x);
  if (t === 0) return x;
  if (t < 22) {
    const u = expm1(t);
    return (x < 0 ? -0.5 : 0.5) * (u + u / (u + 1));
  }
  return (x < 0 ? -1 : 1) * halfExp(t);
}

/** cosh x within 2 ulp. */
export function cosh(x: number): number {
  const t = abs(x);
  if (!(t < 22)) return halfExp(t);
  const e = exp(t);
  return 0.5 * e + 0.5 / e;
}

/** ½·eᵗ for t ≥ 0, up to the largest double. */
function halfExp(t: number): number {
  if (t < 709) return 0.5 * exp(t);
  // Subtracting 664·ln 2 and multiplying by its power keeps intermediate results from overflowing.
  return exp(t - 664 * LN2_HIGH, -664 * LN2_LOW) * 2 ** 663;
}

/** asinh x within 3 ulp. */
export function asinh(x: number): number {
  const t = abs(x);
  if (t === 0) return x;
  const magnitude = t > 2 ** 28 ? log(t, LN2) : log1p(t + (t * t) / (1 + sqrt(1 + t * t)));
  return x < 0 ? -magnitude : magnitude;
}

/** acosh x within 3 ulp; below 1 NaN. */
export function acosh(x: number): number {
  if (x > 2 ** 28) return log(x, LN2);
  const t = x - 1;
  return log1p(t + sqrt(2 * t + t * t));
}

/** atanh x within 3 ulp; ±1 → ±∞, beyond NaN. */
export function atanh(x: number): number {
  const t = abs(x);
  if (t === 0) return x;
  const magnitude = 0.5 * log1p((2 * t) / (1 - t));
  return x < 0 ? -magnitude : magnitude;
}

/** ln(1 + eˣ) within 2 ulp. */
export function softplus(x: number): number {
  return max(x, 0) + log1p(exp(-abs(x)));
}

/** ln(eᵃ + eᵇ) within 2 ulp of the larger of the result and the arguments. */
export function logAddExp(a: number, b: number): number {
  // Equal infinities, whose difference is NaN.
  if (a === b) return a + LN2;
  return max(a, b) + log1p(exp(-abs(a - b)));
}
