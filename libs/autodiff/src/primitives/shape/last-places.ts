/** Rows replaced by index. */

import { lastPlaces } from '@lockstep/kernels';
import { tensor } from '../../convert.ts';
import { bind } from '../../core.ts';
import { batchedAs, primitive } from '../../define.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { add, greaterEqual, maximum, where } from '../elementwise/fusible.ts';
import { broadcastInAxes } from '../reduce/sum.ts';
import { gather, offsetRows } from './gather.ts';
import { reshape } from './reshape.ts';

/** x [rows, ..w] with row `indices[i]` replaced by `values[i]`, i ascending. */
export function setRows(x: Tensor, indices: Tensor, values: Tensor): Tensor {
  const last = bind(lastPlacesPrimitive, [indices], { rows: x.shape[0]! });
  const replaced = broadcastInAxes(greaterEqual(last, 0), x.shape, [0]);
  return where(replaced, gather(values, maximum(last, 0)), x);
}

/** indices [count] → for each of `rows` rows the last position that names it, −1 if none does. */
const lastPlacesPrimitive: Primitive<{ rows: number }> = primitive({
  name: 'lastPlaces',
  differentiable: [],
  shape: (_inputs, { rows }) => ({ dtype: 'int32', shape: [rows] }),
  kernel:
    (out, [indices]) =>
    () =>
      lastPlaces(out.data as Int32Array, indices!.data as Int32Array),
  batch: ([indices], _batched, { rows }, { size }) => {
    const count = indices!.shape[1]!;
    const all = bind(lastPlacesPrimitive, [offsetRows(indices!, true, size, rows)], { rows: size * rows });
    // Positions count from the beginning of each example's own indices again.
    const first = broadcastInAxes(
      tensor(Int32Array.from({ length: size }, (_, i) => -i * count)),
      [size, rows],
      [0],
    );
    const places = reshape(all, [size, rows]);
    return batchedAs(where(greaterEqual(places, 0), add(places, first), -1));
  },
});
