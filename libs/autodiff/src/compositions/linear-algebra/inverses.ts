/** Inverses and powers of matrices, and least squares. */

import { aNumber, LockstepError, signature } from '@lockstep/errors';
import { asTensors, type TensorLike } from '../../convert.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import { identityLike, solve } from '../../primitives/linear-algebra/linear-systems.ts';
import { matmul } from '../../primitives/linear-algebra/matmul.ts';
import { requireSquare } from '../../primitives/linear-algebra/matrix-batches.ts';
import { pinv } from '../../primitives/linear-algebra/spectral.ts';
import { broadcastTo } from '../../primitives/reduce/sum.ts';
import type { Tensor } from '../../tensor.ts';

const checkInverse = signature('inverse', { x: aTensor });

/** The inverses of matrices. [.., n, n] → [.., n, n]. A singular matrix gives ∞ and NaN. */
export function inverse(x: Tensor): Tensor {
  checkInverse(x);
  requireSquare('inverse', x);
  return solve(x, broadcastTo(identityLike(x), x.shape));
}

const checkMatrixPower = signature('matrixPower', { x: aTensor, power: aNumber });

/** The product of `power` copies of a matrix; 0 gives the identity, −1 the inverse. [.., n, n] → [.., n, n] */
export function matrixPower(x: Tensor, power: number): Tensor {
  checkMatrixPower(x, power);
  requireSquare('matrixPower', x);
  if (!Number.isInteger(power)) {
    throw new LockstepError('argument', `matrixPower: the power is a whole number, not ${power}`, {
      op: 'matrixPower',
      power,
    });
  }
  if (power === 0) return broadcastTo(identityLike(x), x.shape);
  let square = power < 0 ? inverse(x) : x;
  let result: Tensor | undefined;
  for (let rest = Math.abs(power); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = result === undefined ? square : matmul(result, square);
    if (rest > 1) square = matmul(square, square);
  }
  return result!;
}

const checkLstsq = signature('lstsq', { a: tensorLike, b: tensorLike });

/** The shortest x that minimises |a·x − b|. a [.., m, n], b [.., m, k] or [m] → [.., n, k] or [.., n] */
export function lstsq(a: TensorLike, b: TensorLike): Tensor {
  checkLstsq(a, b);
  const [matrix, right] = asTensors('lstsq', a, b) as [Tensor, Tensor];
  return matmul(pinv(matrix), right);
}
