/**
 * Building blocks of the functions in this folder. They compute in doubles with + − · / √ and operations on bits only, so
 * they give the same bits on every machine and engine. A float32 result is the double, rounded once.
 */
const doubles = new Float64Array(1);
const words = new Int32Array(doubles.buffer);
/** The index of the word that has a double's sign and exponent. */
const HIGH = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** ln 2 in two parts: n·LN2_HIGH is exact for |n| < 2²⁰. */
export const LN2_HIGH = 0.6931471803691238;
export const LN2_LOW = 1.9082149292705877e-10;
export const SMALLEST_NORMAL = 2 ** -1022;

/** 2ⁿ for −1022 ≤ n ≤ 1023. */
function powerOfTwo(n: number): number {
  words[HIGH] = (n + 1023) << 20;
  words[1 - HIGH] = 0;
  return doubles[0]!;
}

/** x·2ⁿ for 1 ≤ |x| < 4 and |n| ≤ 1100, rounded once. */
export function scaled(x: number, n: number): number {
  // Two factors, since 2ⁿ alone may be denormal or too large. The first product is exact.
  const half = n >> 1;
  return x * powerOfTwo(half) * powerOfTwo(n - half);
}

/** The exponent n of a normal x = m·2ⁿ with 1 ≤ |m| < 2. */
export function exponentOf(x: number): number {
  doubles[0] = x;
  return ((words[HIGH]! >> 20) & 0x7ff) - 1023;
}

/** The mantissa |m| of a normal x = m·2ⁿ with 1 ≤ |m| < 2. */
export function mantissaOf(x: number): number {
  doubles[0] = x;
  words[HIGH] = (words[HIGH]! & 0xfffff) | 0x3ff00000;
  return doubles[0]!;
}

/** Horner's scheme: `coefficients` from the highest power down. */
export function polynomial(coefficients: readonly number[], x: number): number {
  let p = coefficients[0]!;
  for (let i = 1; i < coefficients.length; i++) p = p * x + coefficients[i]!;
  return p;
}

/** The coefficients of a power series for {@link polynomial}: term `numTerms` − 1 down to term 0. */
export const series = (numTerms: number, term: (i: number) => number): number[] =>
  Array.from({ length: numTerms }, (_, i) => term(numTerms - 1 - i));

/** 1/n! */
export function inverseFactorial(n: number): number {
  let product = 1;
  for (let i = 2; i <= n && product < Number.POSITIVE_INFINITY; i++) product *= i;
  return 1 / product;
}

/** xⁿ for an integer n ≥ 0, by squaring. */
export function wholePower(x: number, n: number): number {
  let result = 1;
  let square = x;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

export const isNegative = (x: number): boolean => x < 0 || Object.is(x, -0);

/** A number of about 106 bits: the sum of two doubles, the second at most half an ulp of the first. */
export interface Pair {
  readonly high: number;
  readonly low: number;
}

/** a + b exactly (Knuth, 1969). */
export function sumOf(a: number, b: number): Pair {
  const high = a + b;
  const shadow = high - a;
  return { high, low: a - (high - shadow) + (b - shadow) };
}

/** a·b exactly, for |a|, |b| < 2⁹⁹⁵ (Veltkamp and Dekker, 1971). */
export function productOf(a: number, b: number): Pair {
  const high = a * b;
  const aTop = upperHalf(a);
  const bTop = upperHalf(b);
  const aRest = a - aTop;
  const bRest = b - bTop;
  return { high, low: aTop * bTop - high + aTop * bRest + aRest * bTop + aRest * bRest };
}

/** The upper 26 bits. */
function upperHalf(x: number): number {
  const shifted = x * 134217729;
  return shifted - (shifted - x);
}

export function addPairs(a: Pair, b: Pair): Pair {
  const { high, low } = sumOf(a.high, b.high);
  return sumOf(high, low + (a.low + b.low));
}

export function multiplyPairs(a: Pair, b: Pair): Pair {
  const { high, low } = productOf(a.high, b.high);
  return sumOf(high, low + (a.high * b.low + a.low * b.high));
}
