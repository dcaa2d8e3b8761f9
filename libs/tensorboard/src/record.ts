/** TensorFlow's record format: `length u64 | masked CRC of the length u32 | data | masked CRC of the data u32`, little-endian. */
import { maskedCrc32c } from './crc32c.ts';

const headBytes = 12;
const footBytes = 4;

/** One record of an event file. */
export function encodeRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(headBytes + data.length + footBytes);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, headBytes);
  view.setUint32(headBytes + data.length, maskedCrc32c(data), true);
  return record;
}

/** The number of bytes at the beginning of `file` that are whole records with right checksums. A crash may leave more. */
export function soundBytes(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  while (at + headBytes <= file.length) {
    const length = Number(view.getBigUint64(at, true));
    const end = at + headBytes + length + footBytes;
    if (view.getUint32(at + 8, true) !== maskedCrc32c(file.subarray(at, at + 8)) || end > file.length) break;
    const data = file.subarray(at + headBytes, end - footBytes);
    if (view.getUint32(end - footBytes, true) !== maskedCrc32c(data)) break;
    at = end;
  }
  return at;
}
