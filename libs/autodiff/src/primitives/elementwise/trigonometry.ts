/** Trigonometric functions beyond `sin` and `cos`. */

import { signature } from '@lockstep/errors';
import type { TensorLike } from '../../convert.ts';
import { tensorLike } from '../../kinds.ts';
import type { Tensor } from '../../tensor.ts';
import { add, div, mul, neg, sqrt, square, sub } from './fusible.ts';
import { binaryOnHost, orderedOnHost, unaryOnHost } from './host.ts';
import { hypot } from './powers.ts';

const cosine = (x: Tensor): Tensor => sqrt(mul(sub(1, x), add(x, 1)));

/** The arcsine, in [−π/2, π/2]; beyond ±1 NaN. */
export const asin = unaryOnHost('asin', (g, x) => div(g, cosine(x)));

/** The arccosine, in [0, π]; beyond ±1 NaN. */
export const acos = unaryOnHost('acos', (g, x) => neg(div(g, cosine(x))));

/** The arctangent, in [−π/2, π/2]. */
export const atan = unaryOnHost('atan', (g, x) => div(g, add(square(x), 1)));

/** g·a/(x² + y²), computed without the squares, which overflow long before the quotient does. */
function overSquares(g: Tensor, a: Tensor, y: Tensor, x: Tensor): Tensor {
  const length = hypot(x, y);
  return div(mul(g, div(a, length)), length);
}

/** The angle of the point (x, y) in [−π, π]; note the order: atan2(y, x). */
export const atan2 = binaryOnHost('atan2', [
  (g, y, x) => overSquares(g, x, y, x),
  (g, y, x) => neg(overSquares(g, y, y, x)),
]);

const sincOfOrder = orderedOnHost('sinc');

const checkSinc = signature('sinc', { x: tensorLike });

/** sin(πx)/(πx), and 1 at 0: NumPy's definition, smooth everywhere. */
export function sinc(x: TensorLike): Tensor {
  checkSinc(x);
  return sincOfOrder(0, x);
}
