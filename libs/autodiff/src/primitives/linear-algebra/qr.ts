/**
 * The QR factorisation. Rules after Walter & Lehmann (2018), Algorithmic differentiation of linear algebra functions.
 */

import { LockstepError, signature } from '@lockstep/errors';
import { qr as qrKernel, qrRoom } from '@lockstep/kernels';
import { formatShape } from '@lockstep/tensor';
import { tril } from '../../compositions/linear-algebra/matrices.ts';
import { bind } from '../../core.ts';
import { primitive } from '../../define.ts';
import { aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { add, sub } from '../elementwise/fusible.ts';
import { concatenate } from '../shape/concatenate.ts';
import { reshape } from '../shape/reshape.ts';
import { slice } from '../shape/slicing.ts';
import { triangularSolve } from './linear-systems.ts';
import { matmul } from './matmul.ts';
import { adjoint, joinBatches, oneBatch, requireMatrices } from './matrix-batches.ts';

/** a [batch, m, n], m ≥ n → Q, and R below it [batch, m + n, n] */
const qrPrimitive: Primitive = primitive({
  name: 'qr',
  differentiable: [0],
  shape: ([a]) => {
    const [batch, m, n] = a!.shape as [number, number, number];
    return { dtype: a!.dtype, shape: [batch, m + n, n] };
  },
  kernel: (out, [a]) => {
    const [batch, m, n] = a!.shape as [number, number, number];
    const attrs = { batch, m, n, room: qrRoom(m, n) };
    return () => qrKernel(out.data, a!.data, attrs);
  },
  jvp: (t, _argument, _inputs, out) => {
    const { q, r } = factorsOf(out);
    // Of t·R⁻¹, the antisymmetric part within the columns of Q turns Q; the rest changes R.
    const moved = timesInverse(t, r);
    const inside = matmul(q, moved, { transposeA: true });
    const below = tril(inside, -1);
    const change = sub(inside, sub(below, adjoint(below)));
    return concatenate([sub(moved, matmul(q, change)), matmul(change, r)], 1);
  },
  vjp: (ct, _argument, _inputs, out) => {
    const { q, r } = factorsOf(out);
    const { q: ofQ, r: ofR } = factorsOf(ct);
    const inside = sub(matmul(r, ofR, { transposeB: true }), matmul(ofQ, q, { transposeA: true }));
    const mirrored = add(tril(inside), adjoint(tril(inside, -1)));
    return adjoint(triangularSolve(r, adjoint(add(ofQ, matmul(q, mirrored))), { lower: false }));
  },
  batch: joinBatches(() => qrPrimitive),
});

/** x·R⁻¹ */
const timesInverse = (x: Tensor, r: Tensor): Tensor =>
  adjoint(triangularSolve(r, adjoint(x), { lower: false, transpose: true }));

function factorsOf(out: Tensor): { q: Tensor; r: Tensor } {
  const [batch, rows, n] = out.shape as [number, number, number];
  return { q: slice(out, [], [batch, rows - n]), r: slice(out, [0, rows - n]) };
}

const checkQr = signature('qr', { x: aTensor });

/**
 * x = q·r with orthonormal columns of q and an upper triangle r whose diagonal has no negative numbers. [.., m, n], m ≥
 * n → q [.., m, n], r [.., n, n]. Derivatives need linearly independent columns.
 */
export function qr(x: Tensor): { q: Tensor; r: Tensor } {
  checkQr(x);
  requireMatrices('qr', x);
  if (x.shape.at(-2)! < x.shape.at(-1)!) {
    throw new LockstepError(
      'shape',
      `qr: takes matrices [.., m, n] with m ≥ n, not ${formatShape(x.shape)}; give the transpose, or use svd()`,
      { op: 'qr', shape: x.shape },
    );
  }
  const { matrices, lead } = oneBatch(x);
  const { q, r } = factorsOf(bind(qrPrimitive, [matrices], {}));
  return { q: reshape(q, x.shape), r: reshape(r, [...lead, ...r.shape.slice(1)]) };
}
