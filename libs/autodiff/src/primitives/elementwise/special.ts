/** Special functions: relatives of the error function and of the gamma function. */

import { aNumber, LockstepError, signature } from '@lockstep/errors';
import type { TensorLike } from '../../convert.ts';
import { tensorLike } from '../../kinds.ts';
import type { Tensor } from '../../tensor.ts';
import { exp, mul, neg, square } from './fusible.ts';
import { orderedOnHost, unaryOnHost } from './host.ts';

const TWO_OVER_SQRT_PI = 1.1283791670955126;

/** 1 − erf(x), accurate in its tail. */
export const erfc = unaryOnHost('erfc', (g, x) => mul(mul(g, -TWO_OVER_SQRT_PI), exp(neg(square(x)))));

/** The inverse of erf; ±1 gives ±∞, beyond ±1 NaN. */
export const erfInv = unaryOnHost('erfInv', (g, _x, y) => mul(mul(g, 1 / TWO_OVER_SQRT_PI), exp(square(y))));

/** ln |Γ(x)| */
export const logGamma = unaryOnHost('logGamma', (g, x) => mul(g, polygammaOfOrder(0, x)));

const polygammaOfOrder = orderedOnHost('polygamma');

const checkDigamma = signature('digamma', { x: tensorLike });

/** The derivative of ln Γ; NaN at 0, −1, −2, …. */
export function digamma(x: TensorLike): Tensor {
  checkDigamma(x);
  return polygammaOfOrder(0, x);
}

/** Beyond this order n! exceeds all doubles. */
const LARGEST_ORDER = 170;

const checkPolygamma = signature('polygamma', { n: aNumber, x: tensorLike });

/** The derivative of order n of digamma; n is a whole number from 0 to 170. */
export function polygamma(n: number, x: TensorLike): Tensor {
  checkPolygamma(n, x);
  if (!Number.isInteger(n) || n < 0 || n > LARGEST_ORDER) {
    throw new LockstepError(
      'argument',
      `polygamma: the order is ${n}; give a whole number from 0 (digamma) to ${LARGEST_ORDER}`,
      { op: 'polygamma', order: n },
    );
  }
  return polygammaOfOrder(n, x);
}
