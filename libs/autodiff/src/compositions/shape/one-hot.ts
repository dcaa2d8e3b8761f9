/** One-hot rows. */

import { aNumber, signature } from '@lockstep/errors';
import { arange, full } from '../../convert.ts';
import { aFloatDType, aTensor } from '../../kinds.ts';
import { cast } from '../../primitives/elementwise/cast.ts';
import { equal, where } from '../../primitives/elementwise/fusible.ts';
import { requireIndices } from '../../primitives/shape/gather.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import type { Tensor } from '../../tensor.ts';

const checkOneHot = signature('oneHot', { labels: aTensor, classes: aNumber, 'dtype?': aFloatDType });

/**
 * Rows with 1 at the place of the class and 0 elsewhere; all zeros for a class outside. labels int32 [..] → [..,
 * classes]
 */
export function oneHot(labels: Tensor, classes: number, dtype: 'float32' | 'float64' = 'float32'): Tensor {
  checkOneHot(labels, classes, dtype);
  requireIndices('oneHot', labels);
  // Comparing floats makes the whole one fused chain; float32 holds integers up to 2²⁴.
  const like = classes > 2 ** 24 ? 'int32' : dtype;
  const isOwn = equal(cast(reshape(labels, [...labels.shape, 1]), like), arange(classes, like));
  return where(isOwn, full([], 1, dtype), full([], 0, dtype));
}
