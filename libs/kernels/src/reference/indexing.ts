import { dtypeOf, isFloat, type TypedArray } from '@lockstep/tensor';
import { type Arithmetic, arithmeticOf } from './arithmetic.ts';
import { sumInBlocks } from './reduce.ts';

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

/** The updates of each row, in ascending order. Those of row r are `order[starts[r]]` … `order[starts[r + 1] − 1]`. */
export interface UpdatesByRow {
  readonly starts: Uint32Array;
  readonly order: Uint32Array;
}

export function updatesByRow(indices: Int32Array, rows: number): UpdatesByRow {
  const isInside = (row: number): boolean => row >= 0 && row < rows;
  const starts = new Uint32Array(rows + 1);
  for (let i = 0; i < indices.length; i++) if (isInside(indices[i]!)) starts[indices[i]! + 1]!++;
  for (let row = 0; row < rows; row++) starts[row + 1]! += starts[row]!;
  const next = starts.slice();
  const order = new Uint32Array(starts[rows]!);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (isInside(row)) order[next[row]!++] = i;
  }
  return { starts, order };
}

/** Adds integer updates, whose order does not matter. */
function addInPlace(
  out: TypedArray,
  updates: TypedArray,
  indices: Int32Array,
  { rows, width }: TableAttrs,
  { add }: Arithmetic,
): void {
  out.fill(0);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (row < 0 || row >= rows) continue;
    for (let j = 0; j < width; j++)
      out[row * width + j] = add(out[row * width + j]!, updates[i * width + j]!);
  }
}

export function scatterAdd(
  out: TypedArray,
  updates: TypedArray,
  indices: Int32Array,
  attrs: TableAttrs,
): void {
  const { rows, width } = attrs;
  const arithmetic = arithmeticOf('scatterAdd', dtypeOf(out));
  if (!isFloat(dtypeOf(out))) {
    addInPlace(out, updates, indices, attrs, arithmetic);
    return;
  }
  const { starts, order } = updatesByRow(indices, rows);
  for (let row = 0; row < rows; row++) {
    const start = starts[row]!;
    const count = starts[row + 1]! - start;
    for (let j = 0; j < width; j++) {
      const term = (i: number) => updates[order[start + i]! * width + j]!;
      out[row * width + j] = sumInBlocks(count, term, arithmetic);
    }
  }
}
