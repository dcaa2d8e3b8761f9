import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape, sizeOf } from '@lockstep/tensor';

/** Names of the format's element types by code. Only uint8 is supported. */
const elementTypes: Readonly<Record<number, string>> = {
  8: 'uint8',
  9: 'int8',
  11: 'int16',
  12: 'int32',
  13: 'float32',
  14: 'float64',
};

/**
 * Reads an IDX file of bytes: two zero bytes, the element type, the rank, the lengths as big-endian uint32, the
 * elements. `data` is a view of `bytes`. Source: LeCun, Cortes and Burges, the MNIST database.
 */
export function parseIdx(bytes: Uint8Array, file = 'IDX file'): { shape: Shape; data: Uint8Array } {
  const fail = (what: string): never => {
    throw new LockstepError('data', `${file}: ${what}; fetch the file again`, {
      file,
      numBytes: bytes.length,
    });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) return fail(`${bytes.length} bytes are too few for an IDX header`);
  if (view.getUint16(0) !== 0) return fail('it does not start with two zero bytes, so it is no IDX file');
  const type = elementTypes[view.getUint8(2)];
  if (type !== 'uint8') return fail(`its elements are ${type ?? `of type ${view.getUint8(2)}`}, not uint8`);

  const rank = view.getUint8(3);
  const start = 4 + 4 * rank;
  if (bytes.length < start) return fail(`it ends inside the header of a rank ${rank} array`);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(shape);
  if (bytes.length !== start + size) {
    return fail(`shape ${formatShape(shape)} needs ${start + size} bytes, but it has ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(start) };
}
