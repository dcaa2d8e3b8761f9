/**
 * The file around the entries of a step record. A header of 16 bytes: 8 fixed bytes, the version, and a CRC-32 of both. Then
 * entries: the length of the payload, a CRC-32 of length and payload, the payload. All numbers have four bytes, the lowest first.
 * The checks also find the next whole entry behind a damaged one, so that damage costs only what is damaged.
 */
import { crc32 } from 'node:zlib';
import type { DamagedEntry } from './types.ts';

export const recordVersion = 1;

/** As in a PNG file, the first byte and the line ends show whether a transfer as text has changed the file. */
const signature = Buffer.from('\x8cLSREC\r\n', 'latin1');
const headerBytes = signature.length + 8;
const frameBytes = 8;

/** Above the greatest length of an entry, which comes in one message. */
const maxPayloadBytes = 1 << 21;

export function header(): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  signature.copy(bytes);
  bytes.writeUInt32LE(recordVersion, signature.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4);
  return bytes;
}

export function frame(payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(frameBytes + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.set(payload, frameBytes);
  bytes.writeUInt32LE(checkOf(bytes, 0, payload.length), 4);
  return bytes;
}

const checkOf = (bytes: Buffer, at: number, length: number): number =>
  crc32(bytes.subarray(at + frameBytes, at + frameBytes + length), crc32(bytes.subarray(at, at + 4)));

export interface Payload {
  /** Of its frame. */
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface Frames {
  /** Whether this release may read the file and append to it. */
  readonly isOurs: boolean;
  readonly payloads: readonly Payload[];
  readonly damaged: readonly DamagedEntry[];
  /** The end of the last whole entry, or of the header. What follows was cut short. */
  readonly end: number;
}

/** Finds the entries of a file, and what is damaged in it. */
export function framesOf(bytes: Buffer, path: string): Frames {
  const refuse = (offset: number, what: string): Frames => ({
    ...{ isOurs: false, payloads: [], end: bytes.length },
    damaged: [{ path, offset, what }],
  });
  const state = headerState(bytes);
  if (state === 'newer') {
    const version = bytes.readUInt32LE(signature.length);
    const what = `a later release wrote version ${version} of this file; this release reads version ${recordVersion}`;
    return refuse(signature.length, what);
  }
  const damaged: DamagedEntry[] = [];
  if (state === 'short' && bytes.length > 0)
    damaged.push({ path, offset: 0, what: 'the header was cut short' });
  if (state === 'damaged') damaged.push({ path, offset: 0, what: 'the header is damaged' });
  const payloads: Payload[] = [];
  let end = state === 'whole' ? headerBytes : 0;
  for (let at = end; at < bytes.length; at = end) {
    const from = nextEntry(bytes, at);
    if (from === undefined) break;
    // A damaged header is named already.
    if (from > at && at > 0) damaged.push({ path, offset: at, what: `${from - at} bytes are damaged` });
    const length = bytes.readUInt32LE(from);
    end = from + frameBytes + length;
    payloads.push({ offset: from, bytes: bytes.subarray(from + frameBytes, end) });
  }
  if (payloads.length === 0 && state === 'damaged') return refuse(0, 'this is not a step record');
  if (end < bytes.length && end > 0) {
    damaged.push({ path, offset: end, what: `the last entry was cut short: ${bytes.length - end} bytes` });
  }
  return { isOurs: true, payloads, damaged, end };
}

/** `short`: the beginning of a header and nothing else, which a crash may leave. */
function headerState(bytes: Buffer): 'whole' | 'newer' | 'short' | 'damaged' {
  const own = header();
  if (bytes.length < headerBytes) {
    return own.subarray(0, bytes.length).equals(bytes) ? 'short' : 'damaged';
  }
  const isWhole = crc32(bytes.subarray(0, headerBytes - 4)) === bytes.readUInt32LE(headerBytes - 4);
  if (!isWhole || !bytes.subarray(0, signature.length).equals(signature)) return 'damaged';
  return bytes.readUInt32LE(signature.length) > recordVersion ? 'newer' : 'whole';
}

/** The offset of the first whole entry from `start` on. */
function nextEntry(bytes: Buffer, start: number): number | undefined {
  for (let at = start; at + frameBytes < bytes.length; at++) {
    const length = bytes.readUInt32LE(at);
    if (length === 0 || length > maxPayloadBytes || at + frameBytes + length > bytes.length) continue;
    if (bytes.readUInt32LE(at + 4) === checkOf(bytes, at, length)) return at;
  }
  return undefined;
}
