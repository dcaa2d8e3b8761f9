/** Random draws of many kinds, composed of the uniform bits of random.ts: pure functions of the key. */

import { aBoolean, aNumber, LockstepError, type Rules, signature } from '@lockstep/errors';
import { permutation as permutationOf } from '@lockstep/rng';
import { type FloatDType, formatShape, type Shape, sizeOf } from '@lockstep/tensor';
import { asTensor, full, requireLengths, type TensorLike } from '../../convert.ts';
import { bind, ConcreteTensor, type Primitive, Tensor } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { aFloatDType, anAxis, aShape, aTensor, numberOrTensor, tensorLike } from '../../kinds.ts';
import {
  add,
  cast,
  floor,
  log,
  maximum,
  mul,
  neg,
  sub,
  where,
} from '../../primitives/elementwise/fusible.ts';
import { erfc, erfInv } from '../../primitives/elementwise/special.ts';
import { bernoulli, foldIn, randomBits, requireKey, uniform } from '../../primitives/random/bits.ts';
import { argmax } from '../../primitives/reduce/extrema.ts';
import { topK } from '../../primitives/reduce/order.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { clip } from '../elementwise/ranges.ts';
import { take } from '../shape/taking.ts';

const checkRandInt = signature('randInt', { key: aTensor, shape: aShape, low: aNumber, high: aNumber });

/** Whole numbers in [low, high), each with a probability off by at most (high − low)/2³². int32 `shape` */
export function randInt(key: Tensor, shape: Shape, low: number, high: number): Tensor {
  checkRandInt(key, shape, low, high);
  if (
    !Number.isInteger(low) ||
    !Number.isInteger(high) ||
    low >= high ||
    low < -(2 ** 31) ||
    high > 2 ** 31
  ) {
    throw new LockstepError(
      'argument',
      `randInt: draws whole numbers from low up to but not including high, within int32; not from ${low} to ${high}`,
      { op: 'randInt', low, high },
    );
  }
  // Doubles hold each product's upper bits exactly enough, the same on every machine.
  const scaled = mul(mul(cast(randomBits(key, shape), 'float64'), high - low), 2 ** -32);
  return cast(add(floor(scaled), low), 'int32');
}

/** keys [.., 2] → [.., size] */
const permutationPrimitive: Primitive<{ size: number }> = primitive({
  name: 'permutation',
  differentiable: [],
  shape: ([key], { size }) => ({ dtype: 'int32', shape: [...key!.shape.slice(0, -1), size] }),
  kernel: (out, [keys], { size }) => {
    const [from, to] = [keys!.data, out.data];
    return () => {
      for (let i = 0; 2 * i < from.length; i++)
        to.set(permutationOf([from[2 * i]!, from[2 * i + 1]!], size), i * size);
    };
  },
  batch: ([key], _batched, attrs) => batchedAs(bind(permutationPrimitive, [key!], attrs)),
});

const checkPermutation = signature('permutation', { key: aTensor, items: numberOrTensor, 'axis?': anAxis });

/** 0, 1, …, n − 1 in random order (int32 [n]), or the parts of an array along `axis` in random order. */
export function permutation(key: Tensor, items: number | Tensor, axis = 0): Tensor {
  checkPermutation(key, items, axis);
  requireKey('permutation', key);
  if (items instanceof Tensor) {
    const length = items.shape.at(axis);
    if (length === undefined) throw noAxis('permutation', items, axis);
    return take(items, permutation(key, length), axis);
  }
  requireLengths('permutation', [items]);
  return bind(permutationPrimitive, [key], { size: items });
}

const noAxis = (op: string, { shape }: Tensor, axis: number): LockstepError =>
  new LockstepError('shape', `${op}: ${formatShape(shape)} has no axis ${axis}; give an array of rows`, {
    op,
    shape,
    axis,
  });

export interface ChoiceOptions {
  /** Whether an item may be drawn again. Default true. */
  readonly replace?: boolean;
  /** How likely each item is, up to a common factor. Default: all alike. [n] */
  readonly weights?: TensorLike;
}

export const choiceRules: Rules<ChoiceOptions> = { replace: aBoolean, weights: tensorLike };

const checkChoice = signature('choice', { key: aTensor, items: numberOrTensor, shape: aShape }, choiceRules);

/** Items drawn from 0, 1, …, n − 1 (int32 `shape`) or from an array's rows [n, ..w] → [...shape, ..w]. */
export function choice(
  key: Tensor,
  items: number | Tensor,
  shape: Shape,
  options: ChoiceOptions = {},
): Tensor {
  checkChoice(key, items, shape, options);
  if (items instanceof Tensor) {
    if (items.rank === 0) throw noAxis('choice', items, 0);
    return take(items, choice(key, items.shape[0]!, shape, options), 0);
  }
  const { replace = true, weights } = options;
  const count = sizeOf(shape);
  if (!replace && count > items) {
    throw new LockstepError(
      'argument',
      `choice: ${count} items cannot be drawn from ${items} without replacement; draw fewer, or set replace: true`,
      { op: 'choice', count, items },
    );
  }
  if (weights === undefined) {
    if (replace) return randInt(key, shape, 0, items);
    return reshape(permutation(key, items).slice([0], [count]), shape);
  }
  const logits = log(requireWeights(asTensor(weights, 'float32')));
  if (replace) return categorical(key, logits, shape);
  // The largest of perturbed logits are a draw without replacement (Vieira, 2014).
  const perturbed = add(logits, gumbel(key, logits.shape, floatOf(logits)));
  return reshape(topK(perturbed, count).indices, shape);
}

/** Weights whose values are known are held against what a weight can be. */
function requireWeights(weights: Tensor): Tensor {
  const at = weights instanceof ConcreteTensor ? weights.data.findIndex((weight) => !(weight >= 0)) : -1;
  if (at < 0) return weights;
  throw new LockstepError(
    'argument',
    `choice: weight ${at} is ${weights.data[at]}; weights are numbers ≥ 0, which need not add up to 1`,
    { op: 'choice', index: at },
  );
}

const checkCategorical = signature('categorical', { key: aTensor, logits: aTensor, 'shape?': aShape });

/**
 * Classes drawn with probabilities softmax(logits): logits [.., n] → int32 [...shape, ..], by the largest of logits and
 * Gumbel noise.
 */
export function categorical(key: Tensor, logits: Tensor, shape: Shape = []): Tensor {
  checkCategorical(key, logits, shape);
  if (logits.rank === 0) throw noAxis('categorical', logits, -1);
  return argmax(add(logits, gumbel(key, [...shape, ...logits.shape], floatOf(logits))), -1);
}

const floatOf = ({ dtype }: Tensor): FloatDType => (dtype === 'float64' ? 'float64' : 'float32');

const checkGumbel = signature('gumbel', { key: aTensor, shape: aShape, 'dtype?': aFloatDType });

/** Standard Gumbel (the distribution of maxima): −ln(−ln u). All draws are finite. */
export function gumbel(key: Tensor, shape: Shape, dtype: FloatDType = 'float32'): Tensor {
  checkGumbel(key, shape, dtype);
  const u = maximum(uniform(key, shape, 0, 1, dtype), 2 ** -25);
  return neg(log(neg(log(u))));
}

const checkExponential = signature('exponential', { key: aTensor, shape: aShape, 'dtype?': aFloatDType });

/** Exponential with mean 1: −ln(1 − u). */
export function exponential(key: Tensor, shape: Shape, dtype: FloatDType = 'float32'): Tensor {
  checkExponential(key, shape, dtype);
  return neg(log(sub(1, uniform(key, shape, 0, 1, dtype))));
}

const checkLaplace = signature('laplace', { key: aTensor, shape: aShape, 'dtype?': aFloatDType });

/** Laplace with mean 0 and scale 1: an exponential of either sign. */
export function laplace(key: Tensor, shape: Shape, dtype: FloatDType = 'float32'): Tensor {
  checkLaplace(key, shape, dtype);
  const size = exponential(foldIn(key, 0), shape, dtype);
  return where(bernoulli(foldIn(key, 1), 0.5, shape), size, neg(size));
}

const checkTruncatedNormal = signature('truncatedNormal', {
  key: aTensor,
  shape: aShape,
  low: aNumber,
  high: aNumber,
  'dtype?': aFloatDType,
});

/** Standard normal, given that it lies in [low, high]: the inverse of its distribution function at uniform places. */
export function truncatedNormal(
  key: Tensor,
  shape: Shape,
  low: number,
  high: number,
  dtype: FloatDType = 'float32',
): Tensor {
  checkTruncatedNormal(key, shape, low, high, dtype);
  if (!(low < high)) {
    throw new LockstepError(
      'argument',
      `truncatedNormal: low is ${low} and high is ${high}; low must be smaller`,
      {
        op: 'truncatedNormal',
        low,
        high,
      },
    );
  }
  // The upper tail is drawn as the lower one, where probabilities have all their digits.
  if (low > 0) return neg(truncatedNormal(key, shape, -high, -low, dtype));
  const below = (x: number): Tensor => erfc(full([], -x * Math.SQRT1_2, 'float64'));
  const places = mul(add(cast(randomBits(key, shape), 'float64'), 0.5), 2 ** -32);
  const [from, to] = [below(low), below(high)];
  // Twice the distribution function.
  const doubled = add(from, mul(sub(to, from), places));
  return cast(clip(mul(erfInv(sub(doubled, 1)), Math.SQRT2), low, high), dtype);
}
