/** Powers, roots, logarithms to other bases and remainders of doubles. */
import {
  addPairs,
  exponentOf,
  isNegative,
  LN2_HIGH,
  LN2_LOW,
  mantissaOf,
  multiplyPairs,
  type Pair,
  polynomial,
  productOf,
  SMALLEST_NORMAL,
  scaled,
  series,
  sumOf,
} from './doubles.ts';
import { exp } from './exponentials.ts';

const { abs, floor, max, min, sqrt } = Math;

const THIRD: Pair = { high: 1 / 3, low: 1.850371707708594e-17 };
const FIFTH: Pair = { high: 0.2, low: -1.1102230246251566e-17 };
const LOG2_E: Pair = { high: Math.LOG2E, low: 2.0355273740931033e-17 };
const LOG10_E: Pair = { high: Math.LOG10E, low: 1.098319650216765e-17 };
/** (atanh(s)/s − 1 − z/3 − z²/5)/z³, z = s². */
const ATANH = series(8, (i) => 1 / (2 * i + 7));

/** ln x for 0 < x < ∞ with relative error 2⁻⁶⁵: 2 atanh((m − 1)/(m + 1)) + n·ln 2. */
function logPair(x: number): Pair {
  const isDenormal = x < SMALLEST_NORMAL;
  const normal = isDenormal ? x * 2 ** 54 : x;
  const mantissa = mantissaOf(normal);
  const isHigh = mantissa > Math.SQRT2;
  const f = (isHigh ? mantissa * 0.5 : mantissa) - 1;
  const n = exponentOf(normal) - (isDenormal ? 54 : 0) + (isHigh ? 1 : 0);
  const s = quotient(f, sumOf(2, f));
  const z = multiplyPairs(s, s);
  const inner = addPairs(FIFTH, sumOf(z.high * polynomial(ATANH, z.high), 0));
  const outer = addPairs(THIRD, multiplyPairs(z, inner));
  const tail = multiplyPairs(multiplyPairs(s, z), outer);
  const half = addPairs(s, tail);
  return addPairs(sumOf(n * LN2_HIGH, n * LN2_LOW), { high: 2 * half.high, low: 2 * half.low });
}

/** a / b */
function quotient(a: number, b: Pair): Pair {
  const high = a / b.high;
  const back = productOf(high, b.high);
  return sumOf(high, (a - back.high - back.low - high * b.low) / b.high);
}

function logTo(unit: Pair, x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY))
    return x === 0 ? Number.NEGATIVE_INFINITY : x > 0 ? x : Number.NaN;
  return multiplyPairs(logPair(x), unit).high;
}

/** log₂ x within 0.51 ulp, exact at powers of two. */
export const log2 = (x: number): number => logTo(LOG2_E, x);

/** log₁₀ x within 0.51 ulp, exact at powers of ten. */
export const log10 = (x: number): number => logTo(LOG10_E, x);

/**
 * xʸ within 1 ulp. As in C, x⁰ = 1 and 1ʸ = 1 even for NaN, and a negative x has powers for integers y only (else NaN).
 */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN;
  const isWhole = floor(y) === y;
  const isOdd = isWhole && abs(y) < 2 ** 53 && abs(y) % 2 === 1;
  const magnitude = powerOf(abs(x), y);
  if (!isNegative(x)) return magnitude;
  if (!isWhole && x !== 0 && x !== Number.NEGATIVE_INFINITY) return Number.NaN;
  return isOdd ? -magnitude : magnitude;
}

/** xʸ for x ≥ 0 and y ≠ 0. */
function powerOf(x: number, y: number): number {
  if (x === 1) return 1;
  // If |y| > 10²⁰, every power is 0, 1 or ∞; so is every power of 0 and ∞.
  if (x === 0 || x === Number.POSITIVE_INFINITY || abs(y) > 1e20) {
    return x > 1 === y > 0 ? Number.POSITIVE_INFINITY : 0;
  }
  const logarithm = logPair(x);
  const { high, low } = productOf(y, logarithm.high);
  return exp(high, low + y * logarithm.low);
}

/** ∛x within 0.6 ulp, exact at cubes. */
export function cbrt(x: number): number {
  const t = abs(x);
  if (!(t > 0 && t < Number.POSITIVE_INFINITY)) return x;
  const normal = t < SMALLEST_NORMAL ? t * 2 ** 54 : t;
  const exponent = exponentOf(normal);
  const third = floor(exponent / 3);
  const m = scaled(mantissaOf(normal), exponent - 3 * third); // in [1, 8)
  let root = 0.95 + 0.14 * m;
  for (let i = 0; i < 5; i++) root -= (root - m / (root * root)) / 3;
  // One more step, with the exact difference to the cube of the rounded root.
  const square = productOf(root, root);
  const cube = multiplyPairs(square, { high: root, low: 0 });
  const near = root + (m - cube.high - cube.low) / (3 * square.high);
  const result = scaled(near, third - (normal === t ? 0 : 18));
  return x < 0 ? -result : result;
}

/** √(a² + b²) within 1.1 ulp and without intermediate overflow; ∞ if either side is infinite, even beside NaN. */
export function hypot(a: number, b: number): number {
  const long = max(abs(a), abs(b));
  if (abs(a) === Number.POSITIVE_INFINITY || abs(b) === Number.POSITIVE_INFINITY)
    return Number.POSITIVE_INFINITY;
  const scale = long > 2 ** 500 ? 2 ** -600 : long < 2 ** -450 ? 2 ** 600 : 1;
  const [x, y] = [long * scale, min(abs(a), abs(b)) * scale];
  return sqrt(x * x + y * y) / scale;
}

/** a − b·⌊a/b⌋ as in Python and NumPy: exact, with the sign of b; NaN if b is 0. */
export function remainder(a: number, b: number): number {
  const rest = a % b;
  if (rest !== 0 && rest < 0 !== b < 0) return rest + b;
  return rest === 0 ? (isNegative(b) ? -0 : 0) : rest;
}

/** ⌊a/b⌋ without the rounding of a/b. */
export function floorDivide(a: number, b: number): number {
  if (b === 0 || !Number.isFinite(a)) return a / b;
  return floor((a - remainder(a, b)) / b + 0.5);
}
