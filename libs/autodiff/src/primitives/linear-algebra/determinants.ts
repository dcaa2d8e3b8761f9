/** Determinants, by elimination on the host in doubles. d det(A) = det(A)·tr(A⁻¹·dA). */

import { signature } from '@lockstep/errors';
import { type DeterminantPart, determinant as determinantKernel, luRoom } from '@lockstep/kernels';
import { inverse } from '../../compositions/linear-algebra/inverses.ts';
import { bind } from '../../core.ts';
import { primitive } from '../../define.ts';
import { aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { mul } from '../elementwise/fusible.ts';
import { broadcastInAxes, sum } from '../reduce/sum.ts';
import { reshape } from '../shape/reshape.ts';
import { adjoint, joinBatches, oneBatch, requireSquare } from './matrix-batches.ts';

/** a [batch, n, n] → [batch]. The derivative is A⁻ᵀ times `factor`. */
function part(
  name: string,
  which: DeterminantPart,
  factor?: (out: Tensor) => Tensor | undefined,
): (a: Tensor) => Tensor {
  const slope = (a: Tensor, out: Tensor): Tensor => {
    const base = adjoint(inverse(a));
    const scale = factor?.(out);
    return scale === undefined ? base : mul(base, broadcastInAxes(scale, a.shape, [0]));
  };
  const self: Primitive = primitive({
    name,
    differentiable: factor === undefined ? [] : [0],
    shape: ([a]) => ({ dtype: a!.dtype, shape: [a!.shape[0]!] }),
    kernel: (out, [a]) => {
      const n = a!.shape[1]!;
      const attrs = { n, room: luRoom(n) };
      return () => determinantKernel(which, out.data, a!.data, attrs);
    },
    ...(factor && {
      jvp: (t, _argument, [a], out) => sum(mul(t, slope(a!, out)), [1, 2]),
      vjp: (ct, _argument, [a], out) => mul(broadcastInAxes(ct, a!.shape, [0]), slope(a!, out)),
    }),
    batch: joinBatches(() => self),
  });
  return (a) => {
    const { matrices, lead } = oneBatch(a);
    return reshape(bind(self, [matrices], {}), lead);
  };
}

const ofValue = part('determinant', 'value', (out) => out);
const ofSign = part('determinantSign', 'sign');
const ofLogarithm = part('logDeterminant', 'logarithm', () => undefined);

const checkDeterminant = signature('determinant', { x: aTensor });

/** The determinants of matrices. [.., n, n] → [..]. The slope det(x)·x⁻ᵀ of a singular matrix is NaN. */
export function determinant(x: Tensor): Tensor {
  checkDeterminant(x);
  requireSquare('determinant', x);
  return ofValue(x);
}

const checkSlogdet = signature('slogdet', { x: aTensor });

/**
 * The sign of the determinant and the logarithm of its magnitude, which neither overflows nor underflows. [.., n, n] →
 * two of [..]; 0 and −∞ for a singular matrix.
 */
export function slogdet(x: Tensor): { sign: Tensor; logAbsDet: Tensor } {
  checkSlogdet(x);
  requireSquare('slogdet', x);
  return { sign: ofSign(x), logAbsDet: ofLogarithm(x) };
}
