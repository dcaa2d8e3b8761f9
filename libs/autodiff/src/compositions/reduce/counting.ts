/** Counts of values. */

import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { asTensors, ones, type TensorLike } from '../../convert.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import { equal, sub, where } from '../../primitives/elementwise/fusible.ts';
import { searchSorted } from '../../primitives/reduce/order.ts';
import { scatterAdd } from '../../primitives/shape/gather.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { ravel } from '../shape/axes.ts';

const checkBinCount = signature('binCount', { x: aTensor, length: aNumber, 'weights?': aTensor });

/**
 * The number of times that each of 0 … length − 1 occurs in x (int32), or the sum of the weights at those places. Other
 * values are ignored. [..] → int32 [length], or the weights' type
 */
export function binCount(x: Tensor, length: number, weights?: Tensor): Tensor {
  checkBinCount(x, length, weights);
  if (
    !Number.isInteger(length) ||
    length < 0 ||
    (weights && formatShape(weights.shape) !== formatShape(x.shape))
  ) {
    throw new LockstepError(
      'argument',
      `binCount: length ${length}${weights ? ` and weights ${formatShape(weights.shape)} for x ${formatShape(x.shape)}` : ''}; the length is a whole number ≥ 0, and weights have the shape of x`,
      { op: 'binCount', length, shape: x.shape },
    );
  }
  return scatterAdd(ravel(weights ?? ones(x.shape, 'int32')), ravel(x), length);
}

const checkHistogram = signature('histogram', { x: aTensor, edges: tensorLike, 'weights?': aTensor });

/**
 * The number of elements of x between neighbouring edges (ascending): edges[i] ≤ x < edges[i + 1]; the last bin
 * includes its right edge. NaN and elements outside all bins are ignored. edges [n + 1] → int32 [n], or the weights'
 * type
 */
export function histogram(x: Tensor, edges: TensorLike, weights?: Tensor): Tensor {
  checkHistogram(x, edges, weights);
  const [values, bounds] = asTensors('histogram', x, edges) as [Tensor, Tensor];
  const bins = bounds.size - 1;
  if (bounds.rank !== 1 || bins < 1) {
    throw new LockstepError(
      'shape',
      `histogram: edges are a vector of at least two numbers, not ${formatShape(bounds.shape)}; linspace makes equal bins`,
      { op: 'histogram', edges: bounds.shape },
    );
  }
  const last = slice(bounds, [bins]);
  const above = sub(searchSorted(bounds, values, 'right'), 1);
  return binCount(where(equal(values, last), bins - 1, above), bins, weights);
}
