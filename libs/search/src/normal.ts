/** The normal distribution, in doubles of the same bits everywhere. */
import { erfc, erfInv, exp, log } from './math.ts';

const { PI, SQRT1_2, SQRT2, sqrt } = Math;

export const LOG_SQRT_2PI = 0.5 * log(2 * PI);

/** Φ(z). */
export const normalCdf = (z: number): number => 0.5 * erfc(-z * SQRT1_2);

/** φ(z). */
export const normalPdf = (z: number): number => exp(-0.5 * z * z) / sqrt(2 * PI);

/** Φ⁻¹(p). */
export function normalQuantile(p: number): number {
  // The lower tail from p itself: 2p − 1 would round it away.
  if (p < 1e-3) return tailQuantile(p);
  if (p > 1 - 1e-3) return -tailQuantile(1 - p);
  return SQRT2 * erfInv(2 * p - 1);
}

/** Newton's method on ln Φ, from the bound of the tail. */
function tailQuantile(p: number): number {
  if (p <= 0) return Number.NEGATIVE_INFINITY;
  const wanted = log(p);
  const first = sqrt(-2 * wanted);
  let z = -first + (log(first) + LOG_SQRT_2PI) / first;
  for (let i = 0; i < 8; i++) {
    const cdf = normalCdf(z);
    const step = ((log(cdf) - wanted) * cdf) / normalPdf(z);
    z -= step;
    if (Math.abs(step) <= 1e-15 * Math.abs(z)) break;
  }
  return z;
}

/** Φ(b) − Φ(a) for a ≤ b, from the tail where the difference does not cancel. */
export function normalMass(a: number, b: number): number {
  return a > 0 ? normalCdf(-a) - normalCdf(-b) : normalCdf(b) - normalCdf(a);
}

/** Quantile u of a standard normal that is cut to [a, b]. */
export function cutNormalQuantile(a: number, b: number, u: number): number {
  const from = normalCdf(a);
  const z = normalQuantile(from + u * (normalCdf(b) - from));
  return Math.max(a, Math.min(b, z));
}
