/** The logarithm of the gamma function and its derivatives, in doubles. */
import { inverseFactorial, polynomial, series, wholePower } from './doubles.ts';
import { log, log1p } from './exponentials.ts';
import { sinPi } from './trigonometry.ts';

const { abs, floor, PI } = Math;

/** B₂, B₄, … B₂₀ (Bernoulli numbers). */
const BERNOULLI = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
];
const HALF_LOG_TWO_PI = 0.9189385332046728;
const ONE_MINUS_EULER = 0.42278433509846713;
/** The asymptotic series are accurate for arguments from this one on. */
const FAR = 12;

/** Σ 1/(q + i)ˢ over i ≥ 0 for an integer s ≥ 2 and q > 0: the first terms, then the Euler–Maclaurin formula. */
function hurwitzZeta(s: number, q: number): number {
  let sum = 0;
  let a = q;
  for (; a < FAR + s; a++) {
    const term = 1 / wholePower(a, s);
    // For a large s the first terms suffice: the remaining ones together are at most FAR times the next one.
    if (term < sum * 2 ** -60) return sum;
    sum += term;
  }
  const power = 1 / wholePower(a, s);
  let term = (power * s) / a;
  let tail = power * (a / (s - 1) + 0.5);
  for (const [j, b] of BERNOULLI.entries()) {
    tail += b * term * inverseFactorial(2 * j + 2);
    term *= ((s + 2 * j + 1) * (s + 2 * j + 2)) / (a * a);
  }
  return sum + tail;
}

let aroundTwo: readonly number[] | undefined;

/** ln Γ(2 + z) for |z| ≤ ½, from 1 − γ and the Riemann zeta function less 1. The series is computed on first use, since it takes long. */
function logGammaAroundTwo(z: number): number {
  aroundTwo ??= series(28, (i) => {
    if (i === 0) return ONE_MINUS_EULER;
    return ((i % 2 === 0 ? -1 : 1) * hurwitzZeta(i + 1, 2)) / (i + 1);
  });
  return z * polynomial(aroundTwo, z);
}

/** (ln Γ(x) − Stirling's formula)·x as a series in 1/x². */
const STIRLING = series(10, (i) => BERNOULLI[i]! / ((2 * i + 1) * (2 * i + 2)));
/** x²·(½/x + ψ(x) − ln x) as a series in 1/x². */
const DIGAMMA = series(10, (i) => -BERNOULLI[i]! / (2 * i + 2));

/** ln |Γ(x)| with an error below 2⁻⁵⁰ of the larger of it and 1; at 0, −1, −2, … +∞. */
export function logGamma(x: number): number {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? x : Number.POSITIVE_INFINITY;
  if (x <= 0) {
    if (floor(x) === x) return Number.POSITIVE_INFINITY;
    return log(PI / abs(sinPi(x))) - logGamma(1 - x);
  }
  if (x < 0.5) return logGamma(x + 1) - log(x);
  if (x < 1.5) return logGammaAroundTwo(x - 1) - log1p(x - 1);
  if (x > FAR) {
    const logarithm = log(x);
    return (x - 0.5) * (logarithm - 1) - 0.5 + HALF_LOG_TWO_PI + polynomial(STIRLING, 1 / (x * x)) / x;
  }
  let product = 1;
  let a = x;
  for (; a > 2.5; a--) product *= a - 1;
  return logGammaAroundTwo(a - 2) + (product === 1 ? 0 : log(product));
}

/** ψ(x) = (ln Γ)′(x) with an error below 2⁻⁴⁹ of the larger of it and 1; NaN at 0, −1, −2, …. */
function digamma(x: number): number {
  if (x <= 0) {
    if (floor(x) === x) return Number.NaN;
    return digamma(1 - x) - (PI * sinPi(x, 1)) / sinPi(x);
  }
  if (x === Number.POSITIVE_INFINITY) return x;
  let sum = 0;
  let a = x;
  for (; a < FAR; a++) sum += 1 / a;
  const z = 1 / (a * a);
  return log(a) - 0.5 / a + z * polynomial(DIGAMMA, z) - sum;
}

/** ψ⁽ⁿ⁾(x) = (ln Γ)⁽ⁿ⁺¹⁾(x), n ≥ 0, with relative error 2⁻⁴⁹, by the Hurwitz zeta function, and by reflection for x ≤ 0. */
export function polygamma(n: number, x: number): number {
  if (n === 0) return digamma(x);
  if (Number.isNaN(x) || x === Number.NEGATIVE_INFINITY) return Number.NaN;
  const sign = n % 2 === 0 ? -1 : 1;
  if (x > 0) {
    if (x === Number.POSITIVE_INFINITY) return 0;
    return (sign * hurwitzZeta(n + 1, x)) / inverseFactorial(n);
  }
  if (floor(x) === x) return n % 2 === 1 ? Number.POSITIVE_INFINITY : Number.NaN;
  return -sign * polygamma(n, 1 - x) - cotangentDerivative(n, x);
}

/** The derivative of order n of π·cot πx: a polynomial in the cotangent c, by c′ = −π(1 + c²). */
function cotangentDerivative(n: number, x: number): number {
  const c = sinPi(x, 1) / sinPi(x);
  let coefficients = [0, PI];
  for (let order = 0; order < n; order++) {
    const slopes = coefficients.slice(1).map((a, i) => a * (i + 1));
    coefficients = Array.from(
      { length: slopes.length + 2 },
      (_, i) => -PI * ((slopes[i] ?? 0) + (slopes[i - 2] ?? 0)),
    );
  }
  return polynomial(coefficients.reverse(), c);
}
