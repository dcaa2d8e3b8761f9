/** Norms of matrices. */

import { oneOf, signature } from '@lockstep/errors';
import { aTensor } from '../../kinds.ts';
import { abs, equal, sqrt, square, where } from '../../primitives/elementwise/fusible.ts';
import { requireMatrices } from '../../primitives/linear-algebra/matrix-batches.ts';
import { svd } from '../../primitives/linear-algebra/spectral.ts';
import { max } from '../../primitives/reduce/extrema.ts';
import { sum } from '../../primitives/reduce/sum.ts';
import type { Tensor } from '../../tensor.ts';

/** The norms that {@link matrixNorm} computes. */
export type MatrixNorm = 'frobenius' | 'nuclear' | 'spectral' | 'columns' | 'rows';

const checkMatrixNorm = signature('matrixNorm', {
  x: aTensor,
  'norm?': oneOf('frobenius', 'nuclear', 'spectral', 'columns', 'rows'),
});

/**
 * A norm of matrices. 'frobenius': the root of the sum of squares; its slope at 0 counts as 0. 'nuclear' and
 * 'spectral': the sum and the largest of the singular values. 'columns' and 'rows': the largest sum of magnitudes of a
 * column (the 1-norm) or of a row (the ∞-norm). [.., m, n] → [..]
 */
export function matrixNorm(x: Tensor, norm: MatrixNorm = 'frobenius'): Tensor {
  checkMatrixNorm(x, norm);
  requireMatrices('matrixNorm', x);
  switch (norm) {
    case 'frobenius': {
      const squares = sum(square(x), [-2, -1]);
      const isZero = equal(squares, 0);
      return where(isZero, 0, sqrt(where(isZero, 1, squares)));
    }
    case 'nuclear':
      return sum(svd(x).s, -1);
    case 'spectral':
      return max(svd(x).s, -1);
    case 'columns':
      return max(sum(abs(x), -2), -1);
    case 'rows':
      return max(sum(abs(x), -1), -1);
    default:
      return norm satisfies never;
  }
}
