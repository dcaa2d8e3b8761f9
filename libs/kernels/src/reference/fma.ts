const { abs, fround } = Math;

/** Half-way between the largest float32 and 2¹²⁸: this sum and larger ones round to infinity. */
const OVERFLOW = 2 ** 128 - 2 ** 103;
const ULP = 2 ** -52;

/**
 * acc + a·b of float32 numbers, rounded once.
 *
 * The float64 product is exact and the float64 sum rounds it to 53 bits. All float32 numbers and all points half-way
 * between two of them are float64, so the first rounding never crosses one. Rounding again is wrong only if the rounded sum
 * lies exactly half-way and the true sum does not (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums").
 */
export function fma(acc: number, a: number, b: number): number {
  const product = a * b;
  const sum = acc + product;
  const near = fround(sum);
  // On the other side of the sum, as far as `near`. It is a float32 if the sum lies half-way or is a float32 itself.
  const far = sum + (sum - near);
  return fround(far) !== far || near === sum ? near : roundTie(acc, product, sum);
}

/** Rounds a sum that lies half-way, or overflows, in the direction of the first rounding's error. */
function roundTie(acc: number, product: number, sum: number): number {
  const added = sum - acc;
  // Knuth's TwoSum, which is exact.
  const error = acc - (sum - added) + (product - added);
  if (error === 0 || abs(sum) > OVERFLOW) return fround(sum);
  return fround(sum * (error > 0 === sum > 0 ? 1 + ULP : 1 - ULP));
}
