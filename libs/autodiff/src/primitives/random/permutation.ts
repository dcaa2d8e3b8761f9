/** Random permutations. */

import { LockstepError, signature } from '@lockstep/errors';
import { permutation as permutationOf } from '@lockstep/rng';
import { formatShape } from '@lockstep/tensor';
import { take } from '../../compositions/shape/taking.ts';
import { requireLengths } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor, numberOrTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import { Tensor } from '../../tensor.ts';
import { requireKey } from './bits.ts';

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

/** 0, 1, …, n − 1 in random order (int32 [n]), or the slices of an array along `axis` in random order. */
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

export const noAxis = (op: string, { shape }: Tensor, axis: number): LockstepError =>
  new LockstepError('shape', `${op}: ${formatShape(shape)} has no axis ${axis}; give an array of rows`, {
    op,
    shape,
    axis,
  });
