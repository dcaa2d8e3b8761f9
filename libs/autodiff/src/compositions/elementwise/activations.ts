/** Activation functions, composed of fusible ops wherever that is accurate. At kinks they have PyTorch's slopes. */

import { aNumber, LockstepError, oneOf, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis } from '@lockstep/tensor';
import { asTensor, type TensorLike, zerosLike } from '../../convert.ts';
import { anAxis, aTensor, tensorLike } from '../../kinds.ts';
import { expm1Below, softplus } from '../../primitives/elementwise/exponentials.ts';
import {
  abs,
  add,
  div,
  erf,
  greater,
  less,
  lessEqual,
  mul,
  neg,
  sigmoid,
  square,
  tanh,
  where,
} from '../../primitives/elementwise/fusible.ts';
import { requireFloat } from '../../primitives/elementwise/rules.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { clip } from './ranges.ts';

const SQRT_TWO_OVER_PI = 0.7978845608028654;

/** x as a tensor of floats: intermediate values are not whole numbers. */
function floats(op: string, x: TensorLike): Tensor {
  const values = asTensor(x);
  requireFloat(op, values);
  return values;
}

const checkSilu = signature('silu', { x: tensorLike });

/** x·sigmoid(x) (Elfwing et al., 2017). */
export function silu(x: TensorLike): Tensor {
  checkSilu(x);
  const values = floats('silu', x);
  return mul(values, sigmoid(values));
}

/** Another name of {@link silu} (Ramachandran et al., 2017). */
export const swish = silu;

const checkLogSigmoid = signature('logSigmoid', { x: tensorLike });

/** ln sigmoid(x), without underflow. */
export function logSigmoid(x: TensorLike): Tensor {
  checkLogSigmoid(x);
  return neg(softplus(neg(floats('logSigmoid', x))));
}

const checkMish = signature('mish', { x: tensorLike });

/** x·tanh(softplus(x)) (Misra, 2019). */
export function mish(x: TensorLike): Tensor {
  checkMish(x);
  const values = floats('mish', x);
  return mul(values, tanh(softplus(values)));
}

const checkGelu = signature('gelu', { x: tensorLike }, { approximate: oneOf('none', 'tanh') });

/**
 * x·Φ(x), where Φ is the standard normal distribution function (Hendrycks and Gimpel, 2016). It is computed by erf, or
 * with `approximate` 'tanh' by ½(1 + tanh(√(2/π)(x + 0.044715x³))).
 */
export function gelu(x: TensorLike, options: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  checkGelu(x, options);
  const { approximate = 'none' } = options;
  const values = floats('gelu', x);
  const inner =
    approximate === 'none'
      ? erf(mul(values, Math.SQRT1_2))
      : tanh(mul(mul(values, add(mul(square(values), 0.044715), 1)), SQRT_TWO_OVER_PI));
  return mul(mul(values, 0.5), add(inner, 1));
}

const checkElu = signature('elu', { x: tensorLike, 'alpha?': aNumber });

/** x where it is positive, else α(eˣ − 1) (Clevert et al., 2015). The slope at 0 is α. */
export function elu(x: TensorLike, alpha = 1): Tensor {
  checkElu(x, alpha);
  return exponentialUnit(floats('elu', x), alpha, 1, 1);
}

const checkSelu = signature('selu', { x: tensorLike });

/** Self-normalising: λ·elu(x, α) with the constants of Klambauer et al. (2017). */
export function selu(x: TensorLike): Tensor {
  checkSelu(x);
  return exponentialUnit(floats('selu', x), 1.6732632423543772, 1.0507009873554805, 1);
}

const checkCelu = signature('celu', { x: tensorLike, 'alpha?': aNumber });

/** x where it is positive, else α(e^(x/α) − 1), with slope 1 at 0 for every α (Barron, 2017). */
export function celu(x: TensorLike, alpha = 1): Tensor {
  checkCelu(x, alpha);
  return exponentialUnit(floats('celu', x), alpha, 1, 1 / alpha);
}

/** scale·(x where it is positive, else α(e^(rate·x) − 1)) */
function exponentialUnit(x: Tensor, alpha: number, scale: number, rate: number): Tensor {
  const isPositive = greater(x, 0);
  const below = where(isPositive, zerosLike(x), x);
  const curve = mul(expm1Below(rate === 1 ? below : mul(below, rate)), alpha * scale);
  return where(isPositive, scale === 1 ? x : mul(x, scale), curve);
}

const checkLeakyRelu = signature('leakyRelu', { x: tensorLike, 'slope?': aNumber });

/** x where it is positive, else slope·x; at 0 the slope is `slope`. */
export function leakyRelu(x: TensorLike, slope = 0.01): Tensor {
  checkLeakyRelu(x, slope);
  const values = floats('leakyRelu', x);
  return where(greater(values, 0), values, mul(values, slope));
}

const checkPrelu = signature('prelu', { x: tensorLike, slope: aTensor });

/** {@link leakyRelu} with a learned slope: a scalar, or a tensor that broadcasts against x (He et al., 2015). */
export function prelu(x: TensorLike, slope: Tensor): Tensor {
  checkPrelu(x, slope);
  const values = asTensor(x, slope.dtype);
  return where(greater(values, 0), values, mul(values, slope));
}

const checkRelu6 = signature('relu6', { x: tensorLike });

/** x clipped to [0, 6]; the slope at the ends is 0. */
export function relu6(x: TensorLike): Tensor {
  checkRelu6(x);
  return clip(asTensor(x), 0, 6);
}

const checkHardTanh = signature('hardTanh', { x: tensorLike, 'low?': aNumber, 'high?': aNumber });

/** x clipped to [low, high]; the slope at the ends is 0. */
export function hardTanh(x: TensorLike, low = -1, high = 1): Tensor {
  checkHardTanh(x, low, high);
  return clip(asTensor(x), low, high);
}

const checkHardSigmoid = signature('hardSigmoid', { x: tensorLike });

/** (x + 3)/6 clipped to [0, 1]; the slope at the ends is 0. */
export function hardSigmoid(x: TensorLike): Tensor {
  checkHardSigmoid(x);
  return clip(div(add(floats('hardSigmoid', x), 3), 6), 0, 1);
}

const checkHardSwish = signature('hardSwish', { x: tensorLike });

/** x·hardSigmoid(x) (Howard et al., 2019). The slope at −3 is −½ and at 3 it is 1½. */
export function hardSwish(x: TensorLike): Tensor {
  checkHardSwish(x);
  const values = floats('hardSwish', x);
  const curve = mul(values, div(add(values, 3), 6));
  return where(less(values, -3), zerosLike(values), where(lessEqual(values, 3), curve, values));
}

const checkSoftsign = signature('softsign', { x: tensorLike });

/** x/(1 + |x|) */
export function softsign(x: TensorLike): Tensor {
  checkSoftsign(x);
  const values = floats('softsign', x);
  return div(values, add(abs(values), 1));
}

const checkGlu = signature('glu', { x: aTensor, 'axis?': anAxis });

/**
 * The first half along `axis`, the last by default, times the sigmoid of the second half (Dauphin et al., 2016). [..,
 * 2n, ..] → [.., n, ..]
 */
export function glu(x: Tensor, axis = -1): Tensor {
  checkGlu(x, axis);
  const along = normalizeAxis('glu', axis, x.rank);
  requireFloat('glu', x);
  const length = x.shape[along]!;
  if (length % 2 !== 0) {
    throw new LockstepError(
      'shape',
      `glu: axis ${along} of ${formatShape(x.shape)} has the odd length ${length}; the axis is halved into values and gates`,
      { op: 'glu', shape: x.shape, axis: along },
    );
  }
  const start = x.shape.map((_, i) => (i === along ? length / 2 : 0));
  const end = x.shape.map((n, i) => (i === along ? length / 2 : n));
  const origin = x.shape.map(() => 0);
  return mul(slice(x, origin, end), sigmoid(slice(x, start)));
}
