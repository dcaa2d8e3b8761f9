import { dtypeOf, isFloat, type TypedArray } from '@lockstep/tensor';
import { arithmeticOf } from './arithmetic.ts';

type TableAttrs = { rows: number; width: number };

export function gather(out: TypedArray, table: TypedArray, indices: Int32Array, attrs: TableAttrs): void {
  const { rows, width } = attrs;
  const missing = isFloat(dtypeOf(out)) ? Number.NaN : 0;
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (row >= 0 && row < rows) out.set(table.subarray(row * width, (row + 1) * width), i * width);
    else out.fill(missing, i * width, (i + 1) * width);
  }
}

export function scatterAdd(
  out: TypedArray,
  updates: TypedArray,
  indices: Int32Array,
  attrs: TableAttrs,
): void {
  const { rows, width } = attrs;
  const { add } = arithmeticOf('scatterAdd', dtypeOf(out));
  out.fill(0);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (row < 0 || row >= rows) continue;
    for (let j = 0; j < width; j++)
      out[row * width + j] = add(out[row * width + j]!, updates[i * width + j]!);
  }
}
