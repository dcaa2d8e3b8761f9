import { LockstepError } from '@lockstep/errors';
import { dtypeOf, sizeOf, type TypedArray } from '@lockstep/tensor';
import type { Field, Split } from './dataset.ts';

/**
 * Gathers rows into given buffers: row `i` of `outs[name]` is sample `indices[i]` of that field. Fields without
 * an entry in `outs` are skipped. Throws `argument`, `shape` or `dtype` errors when a buffer does not fit.
 */
export function fillBatch(
  split: Split,
  indices: Int32Array,
  outs: Readonly<Record<string, TypedArray>>,
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
    gather(field, indices, out);
  }
}

function gather(field: Field, indices: Int32Array, out: TypedArray): void {
  const { name, dtype, storage, shape } = field;
  const rowSize = sizeOf(shape);
  if (dtypeOf(out) !== dtype) {
    throw new LockstepError('dtype', `fillBatch: field '${name}' is ${dtype}, its buffer ${dtypeOf(out)}`, {
      name,
    });
  }
  if (out.length !== indices.length * rowSize) {
    throw new LockstepError(
      'shape',
      `fillBatch: ${indices.length} rows of field '${name}' are ${indices.length * rowSize} elements; its buffer has ${out.length}`,
      { name, expected: indices.length * rowSize, actual: out.length },
    );
  }
  const scaled = field.scale !== undefined || field.offset !== undefined;
  const values = scaled && storage instanceof Uint8Array ? byteValues(field) : undefined;
  const toValue = affine(field);
  for (let row = 0; row < indices.length; row++) {
    const from = indices[row]! * rowSize;
    const to = row * rowSize;
    if (values) for (let i = 0; i < rowSize; i++) out[to + i] = values[storage[from + i]!]!;
    else if (scaled) for (let i = 0; i < rowSize; i++) out[to + i] = toValue(storage[from + i]!);
    else out.set(storage.subarray(from, from + rowSize), to);
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
