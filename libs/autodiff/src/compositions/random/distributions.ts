/** Random draws from many distributions, composed of uniform bits: pure functions of the key. */

import { aBoolean, aNumber, type Kind, LockstepError, type Rules, signature } from '@lockstep/errors';
import { type FloatDType, type Shape, sizeOf } from '@lockstep/tensor';
import { asTensor, full, type TensorLike } from '../../convert.ts';
import { aFloatDType, aShape, aTensor, numberOrTensor, tensorLike } from '../../kinds.ts';
import { cast } from '../../primitives/elementwise/cast.ts';
import {
  add,
  cos,
  floor,
  less,
  log,
  maximum,
  mul,
  neg,
  sqrt,
  sub,
  where,
} from '../../primitives/elementwise/fusible.ts';
import { erfc, erfInv } from '../../primitives/elementwise/special.ts';
import { foldIn, randomBits, uniform } from '../../primitives/random/bits.ts';
import { noAxis, permutation } from '../../primitives/random/permutation.ts';
import { argmax } from '../../primitives/reduce/extrema.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { ConcreteTensor, Tensor } from '../../tensor.ts';
import { clip } from '../elementwise/ranges.ts';
import { topK } from '../reduce/sorting.ts';
import { take } from '../shape/taking.ts';

const checkRandInt = signature('randInt', { key: aTensor, shape: aShape, low: aNumber, high: aNumber });

/** Whole numbers in [low, high). Each has its probability up to an error of at most (high − low)/2³². int32 `shape` */
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
  // Doubles hold the upper bits of each product exactly enough, the same on every machine.
  const scaled = mul(mul(cast(randomBits(key, shape), 'float64'), high - low), 2 ** -32);
  return cast(add(floor(scaled), low), 'int32');
}

export interface ChoiceOptions {
  /** Whether an item may be drawn again. Default true. */
  readonly replace?: boolean;
  /** Weights in proportion to the probabilities of the items. Default: all items are equally likely. [n] */
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
  // The items with the largest perturbed logits are a draw without replacement (Vieira, 2014).
  const perturbed = add(logits, gumbel(key, logits.shape, floatOf(logits)));
  return reshape(topK(perturbed, count).indices, shape);
}

/** Checks weights whose values are known. */
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
 * Classes drawn with probabilities softmax(logits): logits [.., n] → int32 [...shape, ..]. The class is the argmax of
 * logits plus Gumbel noise.
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

/** Standard normal, conditioned on [low, high]: the inverse of its distribution function at uniform places. */
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
  // The upper tail is drawn as the lower one, where probabilities keep their digits.
  if (low > 0) return neg(truncatedNormal(key, shape, -high, -low, dtype));
  const below = (x: number): Tensor => erfc(full([], -x * Math.SQRT1_2, 'float64'));
  const places = mul(add(cast(randomBits(key, shape), 'float64'), 0.5), 2 ** -32);
  const [from, to] = [below(low), below(high)];
  // Twice the distribution function.
  const doubled = add(from, mul(sub(to, from), places));
  return cast(clip(mul(erfInv(sub(doubled, 1)), Math.SQRT2), low, high), dtype);
}

const checkSplitKey = signature('splitKey', { key: aTensor, 'count?': aNumber });

/**
 * `count` keys for `vmap` and `scan` to go over. They are unrelated to each other and to whatever is drawn from `key`.
 * uint32 [count, 2]
 */
export function splitKey(key: Tensor, count = 2): Tensor {
  checkSplitKey(key, count);
  return randomBits(foldIn(key, 'split'), [count, 2]);
}

const checkNormal = signature('normal', { key: aTensor, shape: aShape, 'dtype?': aFloatDType });

/** Standard normal by Box and Muller (1958): √(−2 ln u)·cos 2πv. */
export function normal(key: Tensor, shape: Shape, dtype: FloatDType = 'float32'): Tensor {
  checkNormal(key, shape, dtype);
  const size = sizeOf(shape);
  const u = sub(1, uniform(foldIn(key, 0), [size], 0, 1, dtype));
  const v = uniform(foldIn(key, 1), [size], 0, 1, dtype);
  return reshape(mul(sqrt(mul(neg(log(u)), 2)), cos(mul(v, 2 * Math.PI))), shape);
}

const aProbability: Kind = {
  what: 'a probability from 0 to 1',
  fits: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

const checkBernoulli = signature('bernoulli', { key: aTensor, probability: aProbability, shape: aShape });

/** True with the given probability. bool `shape` */
export function bernoulli(key: Tensor, probability: number, shape: Shape): Tensor {
  checkBernoulli(key, probability, shape);
  return less(uniform(key, shape), probability);
}
