/** Elementwise functions that are composed of others. */

import { signature } from '@lockstep/errors';
import { asTensor, asTensors, onesLike, type TensorLike } from '../../convert.ts';
import { tensorLike } from '../../kinds.ts';
import { log1p } from '../../primitives/elementwise/exponentials.ts';
import {
  cos,
  div,
  equal,
  lessEqual,
  log,
  logicalAnd,
  logicalOr,
  mul,
  neg,
  sin,
  sub,
  where,
} from '../../primitives/elementwise/fusible.ts';
import { requireFloat } from '../../primitives/elementwise/rules.ts';
import type { Tensor } from '../../tensor.ts';

const checkTan = signature('tan', { x: tensorLike });

/** The tangent of an angle in radians. */
export function tan(x: TensorLike): Tensor {
  checkTan(x);
  const angle = asTensor(x);
  requireFloat('tan', angle);
  return div(sin(angle), cos(angle));
}

const checkLogit = signature('logit', { x: tensorLike });

/** ln(x/(1 − x)), the inverse of sigmoid; 0 and 1 give ∓∞, beyond them NaN. */
export function logit(x: TensorLike): Tensor {
  checkLogit(x);
  const values = asTensor(x);
  requireFloat('logit', values);
  return sub(log(values), log1p(neg(values)));
}

const checkXLogY = signature('xLogY', { x: tensorLike, y: tensorLike });

/**
 * x·ln(y), the terms of an entropy. Where x is 0 the result is 0, unless y is NaN. The slopes are 0 where ln y is not a
 * number.
 */
export function xLogY(x: TensorLike, y: TensorLike): Tensor {
  checkXLogY(x, y);
  const [a, b] = asTensors('xLogY', x, y) as [Tensor, Tensor];
  requireFloat('xLogY', a);
  const isOutside = logicalOr(lessEqual(b, 0), equal(b, Number.POSITIVE_INFINITY));
  return mul(a, log(where(logicalAnd(equal(a, 0), isOutside), onesLike(b), b)));
}
