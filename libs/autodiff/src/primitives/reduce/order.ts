/**
 * Order: a primitive finds the indices, and an ordinary look-up applies them, so gradients follow each element to its
 * origin. Equal elements keep their order (−0 equals 0), and NaN counts as largest.
 */

import { aBoolean, LockstepError, oneOf, type Rules, signature } from '@lockstep/errors';
import { argSort as argSortRows, searchSorted as searchRows } from '@lockstep/kernels';
import { formatShape, normalizeAxis, sameShape, sizeOf } from '@lockstep/tensor';
import { moveAxis } from '../../compositions/shape/axes.ts';
import { asTensors, type TensorLike } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import { anAxis, aTensor, tensorLike } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { reshape } from '../shape/reshape.ts';
import { repeatInFront } from './sum.ts';

/** x [.., size] → int32 [.., size] */
const argSortPrimitive: Primitive<{ descending: boolean }> = primitive({
  name: 'argSort',
  differentiable: [],
  shape: ([x]) => ({ dtype: 'int32', shape: x!.shape }),
  kernel: (out, [x], { descending }) => {
    const size = x!.shape.at(-1)!;
    const attrs = { rows: sizeOf(x!.shape.slice(0, -1)), size, descending };
    return () => argSortRows(out.data as Int32Array, x!.data, attrs);
  },
  batch: ([x], _batched, attrs) => batchedAs(bind(argSortPrimitive, [x!], attrs)),
});

export interface SortOptions {
  /** Sort from the largest to the smallest; NaN then comes first. Default false. */
  readonly descending?: boolean;
}

export const sortRules: Rules<SortOptions> = { descending: aBoolean };

const checkArgSort = signature('argSort', { x: aTensor, 'axis?': anAxis }, sortRules);

/** The indices that sort the elements along `axis`, the last by default; equal elements keep their order. int32 */
export function argSort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  checkArgSort(x, axis, options);
  const { descending = false } = options;
  const along = normalizeAxis('argSort', axis, x.rank);
  return moveAxis(bind(argSortPrimitive, [moveAxis(x, along, -1)], { descending }), -1, along);
}

type Side = 'left' | 'right';

/** sorted [rows, size], values [rows, count] → int32 [rows, count] */
const searchPrimitive: Primitive<{ side: Side }> = primitive({
  name: 'searchSorted',
  differentiable: [],
  shape: ([, values]) => ({ dtype: 'int32', shape: values!.shape }),
  kernel: (out, [sorted, values], { side }) => {
    const [rows, size] = sorted!.shape as [number, number];
    const attrs = { rows, size, count: values!.shape[1]!, side };
    return () => searchRows(out.data as Int32Array, sorted!.data, values!.data, attrs);
  },
  batch: (inputs, batched, attrs, { size }) => {
    const [sorted, values] = inputs.map((x, i) => {
      const full = batched[i] ? x : repeatInFront(x, size);
      return reshape(full, [full.shape[0]! * full.shape[1]!, full.shape[2]!]);
    }) as [Tensor, Tensor];
    const all = bind(searchPrimitive, [sorted, values], attrs);
    return batchedAs(reshape(all, [size, all.shape[0]! / size, all.shape[1]!]));
  },
});

const checkSearchSorted = signature('searchSorted', {
  sorted: tensorLike,
  values: tensorLike,
  'side?': oneOf('left', 'right'),
});

/**
 * The position where each value can be inserted into an ascending vector: before the elements that equal it ('left') or
 * after them ('right'). sorted [.., n], values [.., m] → int32 [.., m]; a vector serves values of any shape.
 */
export function searchSorted(sorted: TensorLike, values: TensorLike, side: Side = 'left'): Tensor {
  checkSearchSorted(sorted, values, side);
  const [rows, wanted] = asTensors('searchSorted', sorted, values) as [Tensor, Tensor];
  const lead = rows.shape.slice(0, -1);
  if (rows.rank === 0 || (rows.rank > 1 && !sameShape(lead, wanted.shape.slice(0, -1)))) {
    throw new LockstepError(
      'shape',
      `searchSorted: values ${formatShape(wanted.shape)} in ${formatShape(rows.shape)}; give one ascending vector, or one for each row of values`,
      { op: 'searchSorted', sorted: rows.shape, values: wanted.shape },
    );
  }
  const number = sizeOf(lead);
  const places = bind(
    searchPrimitive,
    [
      reshape(rows, [number, rows.shape.at(-1)!]),
      reshape(wanted, [number, number === 0 ? 0 : wanted.size / number]),
    ],
    { side },
  );
  return reshape(places, wanted.shape);
}
