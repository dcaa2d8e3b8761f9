/** Ops that test the range of numbers, and ops that move numbers into a range. */
import { aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { isFloat } from '@lockstep/tensor';
import { asTensor, asTensors, type TensorLike, zerosLike } from '../../convert.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import {
  abs,
  ceil,
  equal,
  floor,
  greaterEqual,
  less,
  lessEqual,
  minimum,
  notEqual,
  where,
} from '../../primitives/elementwise/fusible.ts';
import type { Tensor } from '../../tensor.ts';

const checkIsNotANumber = signature('isNotANumber', { x: tensorLike });

/** Whether an element is NaN. bool */
export function isNotANumber(x: TensorLike): Tensor {
  checkIsNotANumber(x);
  const values = asTensor(x);
  return notEqual(values, values);
}

const checkIsFiniteNumber = signature('isFiniteNumber', { x: tensorLike });

/** Whether an element is neither infinite nor NaN. bool */
export function isFiniteNumber(x: TensorLike): Tensor {
  checkIsFiniteNumber(x);
  const values = asTensor(x);
  return isFloat(values.dtype) ? less(abs(values), Number.POSITIVE_INFINITY) : equal(values, values);
}

const checkIsInfinite = signature('isInfinite', { x: tensorLike });

/** Whether an element is ∞ or −∞. bool */
export function isInfinite(x: TensorLike): Tensor {
  checkIsInfinite(x);
  const values = asTensor(x);
  return isFloat(values.dtype) ? equal(abs(values), Number.POSITIVE_INFINITY) : notEqual(values, values);
}

const checkLogicalXor = signature('logicalXor', { a: aTensor, b: aTensor });

/** Whether exactly one of two conditions holds. bool */
export function logicalXor(a: Tensor, b: Tensor): Tensor {
  checkLogicalXor(a, b);
  return notEqual(a, b);
}

const checkTrunc = signature('trunc', { x: tensorLike });

/** Rounds towards zero. */
export function trunc(x: TensorLike): Tensor {
  checkTrunc(x);
  const values = asTensor(x);
  return where(less(values, 0), ceil(values), floor(values));
}

const checkClip = signature('clip', { x: tensorLike, 'low?': tensorLike, 'high?': tensorLike });

/**
 * x limited to [low, high]; an undefined bound is no limit. Where bounds that are tensors cross, `high` wins; bounds
 * that are numbers and cross are an error. At a bound x has slope 0 and the bound has slope 1, as in Autograd.
 */
export function clip(x: TensorLike, low?: TensorLike, high?: TensorLike): Tensor {
  checkClip(x, low, high);
  if (typeof low === 'number' && typeof high === 'number' && low > high) {
    throw new LockstepError(
      'argument',
      `clip: no number lies between ${low} and ${high}; give the lower bound first`,
      { op: 'clip', low, high },
    );
  }
  const given = [low, high].filter((bound) => bound !== undefined);
  const [values, ...bounds] = asTensors('clip', x, ...given) as [Tensor, ...Tensor[]];
  const top = high === undefined ? undefined : bounds.at(-1)!;
  let result = values;
  if (low !== undefined) {
    const bottom = top === undefined ? bounds[0]! : minimum(bounds[0]!, top);
    result = where(lessEqual(values, bottom), bottom, values);
  }
  return top === undefined ? result : where(greaterEqual(values, top), top, result);
}

export interface NanToNumOptions {
  /** The replacement for NaN. Default 0. */
  readonly nan?: number;
  /** The replacement for ∞. Default: the largest finite number of the type. */
  readonly infinity?: number;
  /** The replacement for −∞. Default: −`infinity`. */
  readonly minusInfinity?: number;
}

export const nanToNumRules: Rules<NanToNumOptions> = {
  nan: aNumber,
  infinity: aNumber,
  minusInfinity: aNumber,
};

const LARGEST = { float32: 3.4028234663852886e38, float64: Number.MAX_VALUE } as const;

const checkNanToNum = signature('nanToNum', { x: tensorLike }, nanToNumRules);

/** x with NaN and infinities replaced by numbers; the slope there is 0. Whole numbers do not change. */
export function nanToNum(x: TensorLike, options: NanToNumOptions = {}): Tensor {
  checkNanToNum(x, options);
  const values = asTensor(x);
  if (!isFloat(values.dtype)) return values;
  const largest = LARGEST[values.dtype === 'float32' ? 'float32' : 'float64'];
  const { nan = 0, infinity = largest, minusInfinity = -infinity } = options;
  const finite = where(isFiniteNumber(values), values, zerosLike(values));
  const above = where(equal(values, Number.POSITIVE_INFINITY), infinity, finite);
  const below = where(equal(values, Number.NEGATIVE_INFINITY), minusInfinity, above);
  return where(isNotANumber(values), nan, below);
}
