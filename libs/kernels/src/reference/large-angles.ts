/**
 * Sine and cosine of large float32 numbers. |x| = m·2ᵉ, where m is an integer of 24 bits, is multiplied by 2/π in integers
 * (Payne and Hanek, 1983); then series in doubles are rounded once. Every backend has these operations: products of integers
 * modulo 2⁶⁴, and sums and products of doubles without contraction.
 */
const { fround } = Math;

/** `float32-math.ts` reduces angles up to this one in float32. */
export const NEAR_ANGLES = 32768;

/** 2/π with 32 leading zeros: 256 binary places, the first of weight 2³¹. */
const TWO_OVER_PI = 0xa2f9836e_4e441529_fc2757d1_f534ddc0_db629599_3c439041_fe5163abn;
/** The angle of the last of the 62 binary places of |x|·2/π. */
const UNIT = (Math.PI / 2) * 2 ** -62;

/** Coefficients from the highest power down: (sin r − r)/r³ and (cos r − 1)/r², to a part in 2³² for |r| ≤ π/4. */
const SIN = [-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6];
const COS = [-1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -1 / 2];

const floats = new Float32Array(1);
const bits = new Int32Array(floats.buffer);

/**
 * |x| = n·π/2 + r, |r| ≤ π/4. The reduction uses the 96 places of 2/π from the one whose product with 2ᵉ has weight 2; higher
 * places give whole turns. No float32 is nearer to a multiple of π/2 than 2⁻³⁰, so at least 31 places of r are right.
 */
function reduce(magnitude: number): { n: number; r: number } {
  floats[0] = magnitude;
  const exponent = (bits[0]! >> 23) - 150;
  const m = BigInt((bits[0]! & 0x7fffff) | 0x800000);
  const places = BigInt.asUintN(96, TWO_OVER_PI >> BigInt(130 - exponent));
  const turns = BigInt.asUintN(64, (m * places) >> 32n);
  const n = BigInt.asUintN(64, turns + (1n << 61n)) >> 62n;
  return { n: Number(n), r: Number(BigInt.asIntN(64, turns - (n << 62n))) * UNIT };
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.slice(1).reduce((p, coefficient) => p * x + coefficient, coefficients[0]!);
}

/** sin(r + n·π/2) */
function sinOf(r: number, n: number): number {
  const z = r * r;
  const y = n % 2 === 0 ? r + r * (z * polynomial(SIN, z)) : 1 + z * polynomial(COS, z);
  return fround((n & 2) === 2 ? -y : y);
}

/** sin x within 0.51 ulp for NEAR_ANGLES < x; ∞ → NaN. */
export function sinOfLarge(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return Number.NaN;
  const { n, r } = reduce(x);
  return sinOf(r, n);
}

/** cos x within 0.51 ulp for NEAR_ANGLES < x; ∞ → NaN. */
export function cosOfLarge(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return Number.NaN;
  const { n, r } = reduce(x);
  return sinOf(r, n + 1);
}
