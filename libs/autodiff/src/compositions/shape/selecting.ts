/**
 * Selections whose number of elements depends on the data. Their results have no shape before the data are known, so
 * they run eagerly only. Inside jit and vmap, use `where`, `select` or multiplication by a mask.
 */

import { LockstepError, listOf, signature } from '@lockstep/errors';
import { argSort } from '@lockstep/kernels';
import { formatShape, stridesOf, type TypedArray } from '@lockstep/tensor';
import { type TensorLike, tensor } from '../../convert.ts';
import { aTensor, tensorLike } from '../../kinds.ts';
import { where } from '../../primitives/elementwise/fusible.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import type { Tensor } from '../../tensor.ts';
import { ravel } from './axes.ts';
import { take } from './taking.ts';

/** The elements of x, which must be known; `remedy` says what to write where they are not known. */
function knownData(op: string, x: Tensor, remedy: string): TypedArray {
  try {
    return x.data;
  } catch (cause) {
    throw new LockstepError(
      'trace',
      `${op}: the values of a ${x.dtype}${formatShape(x.shape)} decide the shape of the result, and inside jit and vmap they are not known; ${remedy}`,
      { op, shape: x.shape },
      { cause },
    );
  }
}

const toInt32 = (values: readonly number[]): Tensor =>
  tensor(Int32Array.from(values), { shape: [values.length] });

const checkCompress = signature('compress', { x: aTensor, mask: aTensor });

/**
 * The elements where the mask (bool) holds, in order: x[mask]. The mask covers the first axes of x, which become one
 * axis. Eager only.
 */
export function compress(x: Tensor, mask: Tensor): Tensor {
  checkCompress(x, mask);
  const lead = x.shape.slice(0, mask.rank);
  if (mask.dtype !== 'bool' || formatShape(lead) !== formatShape(mask.shape)) {
    throw new LockstepError(
      mask.dtype === 'bool' ? 'shape' : 'dtype',
      `compress: a mask of ${mask.dtype}${formatShape(mask.shape)} for x ${formatShape(x.shape)}; it must be bool and have the lengths of x's first axes`,
      { op: 'compress', shape: x.shape, mask: mask.shape, dtype: mask.dtype },
    );
  }
  const data = knownData('compress', mask, 'write where(mask, x, 0) and count the mask where needed');
  const chosen = [...data.keys()].filter((i) => data[i] !== 0);
  return take(reshape(x, [mask.size, ...x.shape.slice(mask.rank)]), toInt32(chosen), 0);
}

const checkNonZero = signature('nonZero', { x: aTensor });

/** The places of the elements that are not 0, in order: the indices (int32) along each axis of x. Eager only. */
export function nonZero(x: Tensor): Tensor[] {
  checkNonZero(x);
  const data = knownData('nonZero', x, 'write where(x.notEqual(0), a, b)');
  const found = [...data.keys()].filter((i) => data[i] !== 0);
  return stridesOf(x.shape).map((stride, axis) =>
    toInt32(found.map((i) => Math.floor(i / stride) % x.shape[axis]!)),
  );
}

export interface Unique {
  /** The distinct elements in ascending order. [n] */
  readonly values: Tensor;
  /** The flat index of the first occurrence of each value in x. int32 [n] */
  readonly indices: Tensor;
  /** For each element of x, the index of its value in `values`. int32, the shape of x */
  readonly inverse: Tensor;
  /** The number of occurrences of each value. int32 [n] */
  readonly counts: Tensor;
}

const checkUnique = signature('unique', { x: aTensor });

/** The distinct elements of x. All NaNs count as one value, the largest, and −0 counts as 0. Eager only. */
export function unique(x: Tensor): Unique {
  checkUnique(x);
  const data = knownData('unique', x, 'sort(x) keeps the shape');
  const order = new Int32Array(data.length);
  argSort(order, data, { rows: 1, size: data.length, descending: false });
  const firsts: number[] = [];
  const counts: number[] = [];
  const inverse = new Int32Array(data.length);
  for (const i of order) {
    const last = firsts.at(-1);
    if (last === undefined || !isSame(data[last]!, data[i]!)) {
      firsts.push(i);
      counts.push(0);
    }
    counts[counts.length - 1]!++;
    inverse[i] = firsts.length - 1;
  }
  const indices = toInt32(firsts);
  return {
    values: take(ravel(x), indices, 0),
    indices,
    inverse: tensor(inverse, { shape: x.shape }),
    counts: toInt32(counts),
  };
}

const isSame = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

const checkSelect = signature('select', {
  conditions: listOf(aTensor, 'a list of tensors'),
  choices: listOf(tensorLike, 'a list of tensors'),
  'otherwise?': tensorLike,
});

/** For each element, the choice of the first condition (bool) that holds there, or `otherwise` where none holds. */
export function select(
  conditions: readonly Tensor[],
  choices: readonly TensorLike[],
  otherwise: TensorLike = 0,
): Tensor {
  checkSelect(conditions, choices, otherwise);
  if (conditions.length === 0 || conditions.length !== choices.length) {
    throw new LockstepError(
      'argument',
      `select: ${conditions.length} conditions and ${choices.length} choices; give one choice for each condition, at least one`,
      { op: 'select', conditions: conditions.length, choices: choices.length },
    );
  }
  const [first, ...rest] = [...conditions.entries()].reverse();
  const base = where(first![1], choices[first![0]]!, otherwise);
  return rest.reduce((y, [i, condition]) => where(condition, choices[i]!, y), base);
}
