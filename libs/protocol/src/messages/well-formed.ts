/**
 * Checks msgpack bytes before they are decoded. Five bytes can claim an array of millions of elements, which a decoder
 * allocates before it notices that they are missing. This check reads the claims and allocates nothing.
 */

import { MAX_MESSAGE_DEPTH } from '../constants.ts';

/** For a type byte 0xc0..0xdf: the bytes that follow it; -1 if their number is not fixed or the type is not allowed. */
// biome-ignore format: one row of eight per line, as in the msgpack specification
const fixedPayload = [
   0, -1,  0,  0, -1, -1, -1, -1,   // nil, never used, false, true, bin ×3, ext
  -1, -1,  4,  8,  1,  2,  4,  8,   // ext ×2, float 32/64, uint 8..64
   1,  2,  4,  8, -1, -1, -1, -1,   // int 8..64, fixext ×4
  -1, -1, -1, -1, -1, -1, -1, -1,   // fixext, str ×3, array ×2, map ×2
];

interface Claim {
  /** Bytes of the length field. */
  readonly lengthBytes: 1 | 2 | 4;
  readonly of: 'bytes' | 'items' | 'pairs';
}

const claims: Readonly<Record<number, Claim>> = {
  196: { lengthBytes: 1, of: 'bytes' },
  197: { lengthBytes: 2, of: 'bytes' },
  198: { lengthBytes: 4, of: 'bytes' },
  217: { lengthBytes: 1, of: 'bytes' },
  218: { lengthBytes: 2, of: 'bytes' },
  219: { lengthBytes: 4, of: 'bytes' },
  220: { lengthBytes: 2, of: 'items' },
  221: { lengthBytes: 4, of: 'items' },
  222: { lengthBytes: 2, of: 'pairs' },
  223: { lengthBytes: 4, of: 'pairs' },
};

/** Whether `bytes` is exactly one msgpack value without extension types, no deeper than the bound. */
export function isWellFormed(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return endOfValue(view, 0, MAX_MESSAGE_DEPTH) === bytes.byteLength;
}

/** The offset after the value at `offset`, or -1 if the value is malformed, incomplete or too deep. */
function endOfValue(view: DataView, offset: number, depth: number): number {
  if (offset >= view.byteLength || depth < 0) return -1;
  const type = view.getUint8(offset);
  const next = offset + 1;
  if (type < 0x80 || type >= 0xe0) return next;
  if (type < 0x90) return endOfItems(view, next, 2 * (type & 0x0f), depth);
  if (type < 0xa0) return endOfItems(view, next, type & 0x0f, depth);
  if (type < 0xc0) return endOfBytes(view, next, type & 0x1f);
  const fixed = fixedPayload[type - 0xc0] ?? -1;
  return fixed >= 0 ? endOfBytes(view, next, fixed) : endOfClaim(view, next, claims[type], depth);
}

function endOfClaim(view: DataView, offset: number, claim: Claim | undefined, depth: number): number {
  if (claim === undefined || offset + claim.lengthBytes > view.byteLength) return -1;
  const start = offset + claim.lengthBytes;
  const length = readLength(view, offset, claim.lengthBytes);
  if (claim.of === 'bytes') return endOfBytes(view, start, length);
  return endOfItems(view, start, claim.of === 'pairs' ? 2 * length : length, depth);
}

function readLength(view: DataView, offset: number, lengthBytes: 1 | 2 | 4): number {
  if (lengthBytes === 1) return view.getUint8(offset);
  return lengthBytes === 2 ? view.getUint16(offset) : view.getUint32(offset);
}

function endOfBytes(view: DataView, offset: number, length: number): number {
  return offset + length <= view.byteLength ? offset + length : -1;
}

function endOfItems(view: DataView, offset: number, count: number, depth: number): number {
  // Every item takes at least one byte, so a false claim is refused before its items are read.
  if (count > view.byteLength - offset) return -1;
  let end = offset;
  for (let item = 0; item < count && end !== -1; item++) end = endOfValue(view, end, depth - 1);
  return end;
}
