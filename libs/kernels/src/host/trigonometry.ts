/** Inverse trigonometric functions of doubles, and sine and cosine of multiples of π. */
import { inverseFactorial, isNegative, polynomial, series, wholePower } from './doubles.ts';

const { abs, floor, PI, sqrt } = Math;

/** atan(k/8) for k = 0 … 8, in two parts each. */
const ATAN_HIGH = [
  0, 0.12435499454676144, 0.24497866312686414, 0.35877067027057225, 0.4636476090008061, 0.5585993153435624,
  0.6435011087932844, 0.7188299996216245, 0.7853981633974483,
];
const ATAN_LOW = [
  0, -3.1253241424539383e-18, 1.0698755618734451e-17, -2.4623815582638635e-17, 2.2698777452961687e-17,
  -5.4556305485916264e-18, 1.5834785051444286e-17, -2.1478388444456983e-17, 3.061616997868383e-17,
];
/** π/2 and π less their doubles. */
const HALF_PI_LOW = 6.123233995736766e-17;
const PI_LOW = 2 * HALF_PI_LOW;

/** (atan t − t)/t³ as a series in t². */
const ATAN = series(7, (i) => (i % 2 === 0 ? -1 : 1) / (2 * i + 3));
const SIN = series(8, (i) => (i % 2 === 0 ? -1 : 1) * inverseFactorial(2 * i + 3));
const COS = series(9, (i) => (i % 2 === 0 ? -1 : 1) * inverseFactorial(2 * i + 2));

/** atan x within 1 ulp: atan(k/8) + atan t with |t| ≤ 1/16; for |x| > 1, π/2 − atan(1/x). */
export function atan(x: number): number {
  const t = abs(x);
  if (Number.isNaN(x)) return x;
  const magnitude = t <= 1 ? near(t) : PI / 2 - (beyond(t) - HALF_PI_LOW);
  return isNegative(x) ? -magnitude : magnitude;
}

/** atan x for 0 ≤ x ≤ 1. */
function near(x: number): number {
  const k = floor(8 * x + 0.5);
  return fromStep(k, (x - k / 8) / (1 + (x * k) / 8));
}

/** atan(1/x) for x > 1. */
function beyond(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 0;
  const k = floor(8 / x + 0.5);
  return fromStep(k, (1 - (k / 8) * x) / (x + k / 8));
}

/** atan(k/8) + atan t */
function fromStep(k: number, t: number): number {
  const z = t * t;
  return ATAN_HIGH[k]! + (t + (t * z * polynomial(ATAN, z) + ATAN_LOW[k]!));
}

/** asin x within 2 ulp; beyond ±1 NaN. */
export const asin = (x: number): number => atan(x / sqrt((1 - x) * (1 + x)));

/** acos x within 2 ulp; beyond ±1 NaN. */
export const acos = (x: number): number => 2 * atan(sqrt((1 - x) / (1 + x)));

/** The angle of the point (x, y) in [−π, π], within 2 ulp; the signs of zeros count as in C. */
export function atan2(y: number, x: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const angle = firstQuadrant(abs(y), abs(x));
  const magnitude = isNegative(x) ? PI - (angle - PI_LOW) : angle;
  return isNegative(y) ? -magnitude : magnitude;
}

function firstQuadrant(y: number, x: number): number {
  if (y === 0) return 0;
  if (y === Number.POSITIVE_INFINITY && x === Number.POSITIVE_INFINITY) return PI / 4;
  return atan(y / x);
}

/** sin(πx + quarters·π/2) within 2 ulp. */
export function sinPi(x: number, quarters = 0): number {
  if (!Number.isFinite(x)) return Number.NaN;
  const turn = x - 2 * floor(x / 2);
  const n = floor(2 * turn + 0.5);
  const r = (turn - n / 2) * PI;
  const z = r * r;
  const quadrant = (((n + quarters) % 4) + 4) % 4;
  const value = quadrant % 2 === 0 ? r + r * z * polynomial(SIN, z) : 1 + z * polynomial(COS, z);
  return quadrant >= 2 ? -value : value;
}

/**
 * The derivative of order n of sin(πx)/(πx). Near 0 it uses the series, elsewhere s⁽ⁿ⁾(y) = (sin(y + nπ/2) − n·s⁽ⁿ⁻¹⁾(y))/y
 * for s(y) = sin(y)/y.
 */
export function sinc(n: number, x: number): number {
  if (abs(x) === Number.POSITIVE_INFINITY) return 0;
  const y = PI * x;
  const scale = wholePower(PI, n);
  if (abs(y) < Math.max(3, n)) return scale * sincSeries(n, y);
  let value = 0;
  for (let order = 0; order <= n; order++) value = (sinPi(x, order) - order * value) / y;
  return scale * value;
}

/** Σ (−1)ᵏ y²ᵏ⁻ⁿ/((2k + 1)·(2k − n)!) over 2k ≥ n. */
function sincSeries(n: number, y: number): number {
  const first = Math.ceil(n / 2);
  let power = 2 * first === n ? 1 : y;
  let sum = 0;
  for (let k = first; k < first + 20 + n; k++) {
    sum += ((k % 2 === 0 ? 1 : -1) * power) / (2 * k + 1);
    const rest = 2 * k - n;
    power *= (y * y) / ((rest + 1) * (rest + 2));
  }
  return sum;
}
