/** What elementwise primitives share: element types, broadcasting and batching. */

import { LockstepError } from '@lockstep/errors';
import type { Operand } from '@lockstep/kernels';
import { broadcastShapes, isFloat, type Storage, sizeOf } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs } from '../../define.ts';
import type { Attrs, BatchAxis, Batched, Primitive } from '../../primitive.ts';
import type { Aval, Tensor } from '../../tensor.ts';
import { broadcastTo, repeatInFront } from '../reduce/sum.ts';

export function fullOperand({ data, shape }: Storage): Operand {
  return { data, repeat: 1, period: sizeOf(shape) };
}

/** The batching rule of ops whose inputs have equal shapes: unbatched inputs repeat along the new axis. */
export function batchElementwise(self: () => Primitive) {
  return (
    inputs: readonly Tensor[],
    batched: readonly boolean[],
    attrs: Attrs,
    { size }: BatchAxis,
  ): Batched =>
    batchedAs(
      bind(
        self(),
        inputs.map((x, i) => (batched[i] ? x : repeatInFront(x, size))),
        attrs,
      ),
    );
}

/**
 * Throws unless the type is a float, for ops whose results are not whole in general. `remedy` names another op for
 * whole numbers.
 */
export function requireFloat(op: string, { dtype }: Pick<Aval, 'dtype'>, remedy = ''): void {
  if (isFloat(dtype)) return;
  throw new LockstepError(
    'dtype',
    `${op}: takes float32 or float64, not ${dtype}; convert with .cast('float32')${remedy}`,
    { op, dtype },
  );
}

/** Throws for bool, for ops that add or multiply. Whole numbers wrap at the ends of their range. */
export function requireArithmetic(op: string, { dtype }: Pick<Aval, 'dtype'>, remedy = ''): void {
  if (dtype !== 'bool') return;
  throw new LockstepError('dtype', `${op}: bool has no arithmetic; convert with .cast('float32')${remedy}`, {
    op,
    dtype,
  });
}

/** Tensors broadcast to one shape. */
export function stretched(op: string, tensors: readonly Tensor[]): Tensor[] {
  const shape = broadcastShapes(op, ...tensors.map((x) => x.shape));
  return tensors.map((x) => broadcastTo(x, shape));
}
