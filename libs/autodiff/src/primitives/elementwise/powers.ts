/** Powers, roots, lengths and remainders. */

import { signature } from '@lockstep/errors';
import { asTensor, onesLike, type TensorLike } from '../../convert.ts';
import { tensorLike } from '../../kinds.ts';
import type { Tensor } from '../../tensor.ts';
import { div, equal, log, mul, neg, reciprocal, sqrt, square, sub, where } from './fusible.ts';
import { binaryOnHost, unaryOnHost } from './host.ts';
import { requireArithmetic, requireFloat } from './rules.ts';

/** The largest constant exponent that is computed by multiplication. */
const MAX_MULTIPLIED = 64;

const powerOfTensors = binaryOnHost('pow', [
  // The exponent is replaced by 1 where b is 0: the slope there is 0 at every base, including 0 and ∞.
  (g, a, b) => mul(g, mul(b, powerOfTensors(a, where(equal(b, 0), onesLike(b), sub(b, 1))))),
  // ln 0 is replaced by ln 1: a power of 0 does not change with its exponent.
  (g, a, _b, y) => mul(g, mul(y, log(where(equal(a, 0), onesLike(a), a)))),
]);

const checkPow = signature('pow', { a: tensorLike, b: tensorLike });

/**
 * aᵇ. A constant whole exponent of up to ±64 is computed by multiplication, ±½ by the square root, and any other from
 * the logarithm: then a negative base gives NaN unless b is whole. x⁰ is 1 for every x. Arrays of whole numbers take
 * constant whole exponents from 0 to 64 only.
 */
export function pow(a: TensorLike, b: TensorLike): Tensor {
  checkPow(a, b);
  if (typeof b !== 'number') return powerOfTensors(a, b);
  const x = asTensor(a);
  const size = Math.abs(b);
  if (!Number.isInteger(b) || b < 0 || size > MAX_MULTIPLIED) requireFloat('pow', x);
  else requireArithmetic('pow', x);
  if (size === 0.5) return b > 0 ? sqrt(x) : reciprocal(sqrt(x));
  if (!Number.isInteger(b) || size > MAX_MULTIPLIED) return powerOfTensors(x, b);
  if (b === 0) return onesLike(x);
  const power = multipliedOut(x, size);
  return b > 0 ? power : reciprocal(power);
}

/** xⁿ for a whole n ≥ 1, by squaring. */
function multipliedOut(x: Tensor, n: number): Tensor {
  if (n === 1) return x;
  const half = square(multipliedOut(x, Math.floor(n / 2)));
  return n % 2 === 0 ? half : mul(half, x);
}

/** The real cube root, of negative numbers too. */
export const cbrt = unaryOnHost('cbrt', (g, _x, y) => div(g, mul(square(y), 3)));

/** √(a² + b²) without intermediate overflow; slope 0 at the origin. */
export const hypot = binaryOnHost('hypot', [
  (g, a, _b, y) => mul(g, div(a, orOne(y))),
  (g, _a, b, y) => mul(g, div(b, orOne(y))),
]);

/** y with 1 in place of 0. */
const orOne = (y: Tensor): Tensor => where(equal(y, 0), onesLike(y), y);

/** ⌊a/b⌋ as an exact quotient; slope 0. Division by zero gives ±∞ or NaN for floats and 0 for integers. */
export const floorDivide = binaryOnHost('floorDivide', [], { integersToo: true });

/**
 * a − b·⌊a/b⌋, exact, with the sign of b (Python's and NumPy's %). Division by zero gives NaN for floats and 0 for
 * integers.
 */
export const remainder = binaryOnHost('remainder', [(g) => g, (g, a, b) => neg(mul(g, floorDivide(a, b)))], {
  integersToo: true,
});

/** Another name of {@link remainder}. */
export const mod = remainder;
