/** Exponentials, logarithms and hyperbolic functions beyond `exp`, `log` and `tanh`. */

import { type TensorLike, zerosLike } from '../../convert.ts';
import type { Tensor } from '../../tensor.ts';
import {
  abs,
  add,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  logicalAnd,
  maximum,
  mul,
  neg,
  sigmoid,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from './fusible.ts';
import { binaryOnHost, unaryOnHost } from './host.ts';

/** eˣ − 1 as 2t/(1 − t), t = tanh(x/2), for x ≤ ½: fusible, and without cancellation. */
export function expm1Below(x: Tensor): Tensor {
  const t = tanh(mul(x, 0.5));
  return div(add(t, t), sub(1, t));
}

/** eˣ − 1, accurate near 0; in float32 within 5 ulp. */
export const expm1 = unaryOnHost(
  'expm1',
  (g, _x, y) => mul(g, add(y, 1)),
  (x) => where(less(abs(x), 0.5), expm1Below(x), sub(exp(x), 1)),
);
/** 2ˣ */
export const exp2 = unaryOnHost('exp2', (g, _x, y) => mul(mul(g, Math.LN2), y));
/** ln(1 + x), accurate near 0; below −1 NaN. In float32 within 3 ulp. */
export const log1p = unaryOnHost(
  'log1p',
  (g, x) => div(g, add(x, 1)),
  (x) => {
    const sum = add(x, 1);
    const isOrdinary = logicalAnd(greater(sum, 0), less(sum, Number.POSITIVE_INFINITY));
    const value = sub(log(sum), where(isOrdinary, roundedOff(sum, x), 0));
    return where(equal(sum, 1), x, value);
  },
);

/** The difference between ln of the rounded sum and ln(1 + x), to first order (Kahan). */
const roundedOff = (sum: Tensor, x: Tensor): Tensor => div(sub(sub(sum, 1), x), sum);
/** Logarithm to base 2, exact at its powers. */
export const log2 = unaryOnHost('log2', (g, x) => div(mul(g, Math.LOG2E), x));
/** Logarithm to base 10, exact at its powers. */
export const log10 = unaryOnHost('log10', (g, x) => div(mul(g, Math.LOG10E), x));

/** (eˣ − e⁻ˣ)/2 */
export const sinh: (x: TensorLike) => Tensor = unaryOnHost('sinh', (g, x) => mul(g, cosh(x)));
/** (eˣ + e⁻ˣ)/2 */
export const cosh: (x: TensorLike) => Tensor = unaryOnHost('cosh', (g, x) => mul(g, sinh(x)));
/** The inverse of `sinh`. */
export const asinh = unaryOnHost('asinh', (g, x) => div(g, sqrt(add(square(x), 1))));
/** Below 1 NaN. */
export const acosh = unaryOnHost('acosh', (g, x) => div(g, mul(sqrt(sub(x, 1)), sqrt(add(x, 1)))));
/** ±1 gives ±∞, beyond ±1 NaN. */
export const atanh = unaryOnHost('atanh', (g, x) => div(g, mul(sub(1, x), add(x, 1))));

/** ln(1 + eˣ), the smooth relu; in float32 within 3 ulp. */
export const softplus = unaryOnHost(
  'softplus',
  (g, x) => mul(g, sigmoid(x)),
  (x) => {
    const small = exp(neg(abs(x)));
    const sum = add(small, 1);
    return add(maximum(x, 0), sub(log(sum), roundedOff(sum, small)));
  },
);

/** ln(eᵃ + eᵇ) without overflow. */
export const logAddExp = binaryOnHost('logAddExp', [
  (g, a, b) => mul(g, sigmoid(difference(a, b))),
  (g, a, b) => mul(g, sigmoid(difference(b, a))),
]);

/** a − b, but 0 for equal infinities: each argument has half of the slope. */
function difference(a: Tensor, b: Tensor): Tensor {
  const both = logicalAnd(equal(a, b), equal(abs(a), Number.POSITIVE_INFINITY));
  const zero = zerosLike(a);
  return sub(where(both, zero, a), where(both, zero, b));
}
