import { LockstepError } from '@lockstep/errors';
import { dtypeOf, sizeOf, type TypedArray } from '@lockstep/tensor';
import type { Field, Split } from './dataset.ts';

/** Copies row `indices[i]` of `table` to row `i` of `out`. Both have one dtype, and all indices are in range. */
export type GatherRows = (
  out: TypedArray,
  table: TypedArray,
  indices: Int32Array,
  attrs: { rows: number; width: number },
) => void;

/** Copies row by row. Unlike the kernels, it also converts between element types. */
const gatherPlainly: GatherRows = (out, table, indices, { width }) => {
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]! * width;
    out.set(table.subarray(from, from + width), i * width);
  }
};

/**
 * Gathers rows into given buffers: row `i` of `outs[name]` is sample `indices[i]` of that field. Fields without
 * an entry in `outs` are skipped. Throws `argument`, `shape` or `dtype` errors when a buffer does not fit.
 * `gatherRows` copies the rows of fields that need no conversion; the default is slow in memory that threads share.
 */
export function fillBatch(
  split: Split,
  indices: Int32Array,
  outs: Readonly<Record<string, TypedArray>>,
  gatherRows: GatherRows = gatherPlainly,
): void {
  for (const index of indices) {
    if (index < 0 || index >= split.size) {
      throw new LockstepError(
        'argument',
        `fillBatch: there is no sample ${index} in a split of ${split.size}`,
        {
          index,
          size: split.size,
        },
      );
    }
  }
  for (const [name, out] of Object.entries(outs)) {
    const field = split.fields[name];
    if (field === undefined) {
      const known = Object.keys(split.fields);
      throw new LockstepError(
        'argument',
        `fillBatch: no field '${name}'; the data have ${known.join(', ')}`,
        {
          name,
          known,
        },
      );
    }
    const rows = { field, indices, size: split.size };
    gather(rows, out, dtypeOf(field.storage) === field.dtype ? gatherRows : gatherPlainly);
  }
}

interface Rows {
  readonly field: Field;
  readonly indices: Int32Array;
  /** The number of samples in the split. */
  readonly size: number;
}

function gather({ field, indices, size }: Rows, out: TypedArray, gatherRows: GatherRows): void {
  const { name, dtype, storage, shape } = field;
  const rowSize = sizeOf(shape);
  if (dtypeOf(out) !== dtype) {
    throw new LockstepError(
      'dtype',
      `fillBatch: field '${name}' is ${dtype}, but its buffer is ${dtypeOf(out)}`,
      {
        name,
      },
    );
  }
  if (out.length !== indices.length * rowSize) {
    throw new LockstepError(
      'shape',
      `fillBatch: ${indices.length} rows of field '${name}' are ${indices.length * rowSize} elements; its buffer has ${out.length}`,
      { name, expected: indices.length * rowSize, actual: out.length },
    );
  }
  const scaled = field.scale !== undefined || field.offset !== undefined;
  if (!scaled) {
    gatherRows(out, storage, indices, { rows: size, width: rowSize });
    return;
  }
  if (storage instanceof Uint8Array) {
    gatherBytes(storage, rowSize, indices, byteValues(field), out);
    return;
  }
  const toValue = affine(field);
  for (let row = 0; row < indices.length; row++) {
    const from = indices[row]! * rowSize;
    const to = row * rowSize;
    for (let i = 0; i < rowSize; i++) out[to + i] = toValue(storage[from + i]!);
  }
}

/** Four bytes are read at once where rows allow it, which takes half the time. */
function gatherBytes(
  bytes: Uint8Array,
  rowSize: number,
  indices: Int32Array,
  values: Float32Array,
  out: TypedArray,
): void {
  const isAligned = bytes.byteOffset % 4 === 0 && rowSize % 4 === 0;
  const words = isAligned ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) : undefined;
  for (let row = 0; row < indices.length; row++) {
    const from = indices[row]! * rowSize;
    const to = row * rowSize;
    if (words) valuesOfWords(words, from / 4, rowSize / 4, values, out, to);
    else for (let i = 0; i < rowSize; i++) out[to + i] = values[bytes[from + i]!]!;
  }
}

/** The lowest byte of a word is the first one: all machines of this system are little-endian. */
function valuesOfWords(
  words: Uint32Array,
  from: number,
  numWords: number,
  values: Float32Array,
  out: TypedArray,
  to: number,
): void {
  for (let i = 0; i < numWords; i++) {
    const word = words[from + i]!;
    const at = to + 4 * i;
    out[at] = values[word & 255]!;
    out[at + 1] = values[(word >>> 8) & 255]!;
    out[at + 2] = values[(word >>> 16) & 255]!;
    out[at + 3] = values[word >>> 24]!;
  }
}

/** The value of a stored element, each operation rounded to float32. */
function affine({ scale = 1, offset = 0 }: Field): (stored: number) => number {
  const [a, b] = [Math.fround(scale), Math.fround(offset)];
  return (stored) => Math.fround(Math.fround(stored * a) + b);
}

/** The value of each of the 256 bytes. */
function byteValues(field: Field): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => byte).map(affine(field));
}
