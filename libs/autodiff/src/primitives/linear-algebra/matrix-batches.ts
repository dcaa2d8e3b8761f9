/** Matrices in a batch: the checks and batching rules that linear algebra shares. */
import { LockstepError } from '@lockstep/errors';
import { broadcastShapes, formatShape, type Shape, sizeOf } from '@lockstep/tensor';
import { swapAxes } from '../../compositions/shape/axes.ts';
import { bind } from '../../core.ts';
import { batchedAs } from '../../define.ts';
import type { Attrs, BatchAxis, Batched, Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { add, mul } from '../elementwise/fusible.ts';
import { requireFloat } from '../elementwise/rules.ts';
import { broadcastTo, repeatInFront } from '../reduce/sum.ts';
import { reshape } from '../shape/reshape.ts';

/** Matrices [.., n, m] of floats. */
export function requireMatrices(op: string, x: Tensor): void {
  requireFloat(op, x);
  if (x.rank >= 2) return;
  throw new LockstepError('shape', `${op}: takes matrices [.., n, m], not ${formatShape(x.shape)}`, {
    op,
    shape: x.shape,
  });
}

/** Matrices [.., n, n] of floats. */
export function requireSquare(op: string, x: Tensor): void {
  requireMatrices(op, x);
  if (x.shape.at(-1) === x.shape.at(-2)) return;
  throw new LockstepError(
    'shape',
    `${op}: takes square matrices [.., n, n], not ${formatShape(x.shape)}; pinv() and svd() take any`,
    { op, shape: x.shape },
  );
}

/** Matrices along one batch axis, and the shape of the axes that it replaces. [.., n, m] → [batch, n, m] */
export function oneBatch(x: Tensor): { matrices: Tensor; lead: Shape } {
  const lead = x.shape.slice(0, -2);
  return { matrices: reshape(x, [sizeOf(lead), ...x.shape.slice(-2)]), lead };
}

/** Like {@link oneBatch} for two arguments whose leading axes broadcast. */
export function sameBatch(op: string, a: Tensor, b: Tensor): { a: Tensor; b: Tensor; lead: Shape } {
  const lead = broadcastShapes(op, a.shape.slice(0, -2), b.shape.slice(0, -2));
  const [x, y] = [a, b].map((t) => oneBatch(broadcastTo(t, [...lead, ...t.shape.slice(-2)])).matrices) as [
    Tensor,
    Tensor,
  ];
  return { a: x, b: y, lead };
}

/** The batching rule of primitives over [batch, ..] arguments: a new axis joins the batch. */
export function joinBatches<A extends Attrs>(self: () => Primitive<A>) {
  return (inputs: readonly Tensor[], batched: readonly boolean[], attrs: A, { size }: BatchAxis): Batched => {
    const folded = inputs.map((x, i) => {
      const full = batched[i] ? x : repeatInFront(x, size);
      return reshape(full, [size * full.shape[1]!, ...full.shape.slice(2)]);
    });
    const y = bind(self(), folded, attrs);
    return batchedAs(reshape(y, [size, y.shape[0]! / size, ...y.shape.slice(1)]));
  };
}

/** The transposes of matrices. [.., n, m] → [.., m, n] */
export const adjoint = (x: Tensor): Tensor => swapAxes(x, -1, -2);

/** (x + xᵀ) / 2 */
export const symmetric = (x: Tensor): Tensor => mul(add(x, adjoint(x)), 0.5);
