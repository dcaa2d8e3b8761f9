import { createHash } from 'node:crypto';

/**
 * The header of every data frame, little-endian, {@link headerBytes} long:
 *
 * | at | type | field      | at | type | field                              |
 * |----|------|------------|----|------|------------------------------------|
 * | 0  | u32  | magic LKST | 20 | u32  | frameId (see Header)            |
 * | 4  | u16  | version    | 24 | u48  | step                               |
 * | 6  | u8   | kind       | 30 | u16  | 1 if `direct`, else 0              |
 * | 7  | u8   | node level | 32 | u32  | node index                         |
 * | 8  | u48  | run        | 36 | u32  | chunk                              |
 * | 14 | u16  | rank       | 40 | u32  | payload bytes                      |
 * | 16 | u32  | generation |    |      |                                    |
 */
export const headerBytes = 44;
const magic = 0x54534b4c;
const version = 1;

/** Kinds of frames by their number on the wire: append only. */
const kinds = [
  /** A node's partial of a chunk, to the chunk's owner. */
  'partial',
  /** A chunk's result, from its owner to all. */
  'result',
  'snapshot-request',
  /** JSON: names and sizes. */
  'snapshot-manifest',
  'snapshot-data',
  /** SHA-256 of all data. */
  'snapshot-end',
  /** The peer has no snapshot. */
  'snapshot-none',
  /** How a process on the sender's host reads the sender's messages through memory. */
  'lane-invitation',
] as const;

export type FrameKind = (typeof kinds)[number];

export interface Header {
  readonly kind: FrameKind;
  /** {@link runHash} of the run and its incarnation. */
  readonly run: number;
  readonly generation: number;
  /** The sender's rank in that generation. */
  readonly rank: number;
  readonly step: number;
  /**
   * Of `partial` and `result`: exchange and bucket, as `encodeFrameId` combines them. Of a snapshot: the transfer. Of a
   * lane invitation: the lane.
   */
  readonly frameId: number;
  readonly level: number;
  readonly index: number;
  readonly chunk: number;
  /** Bytes of the payload. */
  readonly length: number;
  /** The sender's compute threads could exchange whole steps without its main thread. */
  readonly direct: boolean;
}

export type HeaderFault = 'size' | 'magic' | 'version' | 'kind' | 'length';
export type DecodedHeader =
  | { readonly ok: true; readonly header: Header }
  | { readonly ok: false; readonly fault: HeaderFault };

/** 48 bits of SHA-256. Frames of another run, or of this run before its coordinator restarted, have another hash. */
export function runHash(runId: string, incarnation: number): number {
  return createHash('sha256').update(`${runId}\n${incarnation}`).digest().readUIntLE(0, 6);
}

export function encodeHeader(header: Header): Uint8Array {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt16LE(version, 4);
  bytes.writeUInt8(kinds.indexOf(header.kind), 6);
  bytes.writeUInt8(header.level, 7);
  bytes.writeUIntLE(header.run, 8, 6);
  bytes.writeUInt16LE(header.rank, 14);
  bytes.writeUInt32LE(header.generation, 16);
  bytes.writeUInt32LE(header.frameId, 20);
  bytes.writeUIntLE(header.step, 24, 6);
  bytes.writeUInt16LE(header.direct ? 1 : 0, 30);
  bytes.writeUInt32LE(header.index, 32);
  bytes.writeUInt32LE(header.chunk, 36);
  bytes.writeUInt32LE(header.length, 40);
  return bytes;
}

/** Checks the form of a header; the receiver of the frame checks its meaning. */
export function decodeHeader(bytes: Uint8Array, payloadBytes: number): DecodedHeader {
  if (bytes.length !== headerBytes) return { ok: false, fault: 'size' };
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.readUInt32LE(0) !== magic) return { ok: false, fault: 'magic' };
  if (view.readUInt16LE(4) !== version) return { ok: false, fault: 'version' };
  const kind = kinds[view.readUInt8(6)];
  const direct = view.readUInt16LE(30);
  if (kind === undefined || direct > 1) return { ok: false, fault: 'kind' };
  const length = view.readUInt32LE(40);
  if (length !== payloadBytes) return { ok: false, fault: 'length' };
  const header: Header = {
    kind,
    level: view.readUInt8(7),
    run: view.readUIntLE(8, 6),
    rank: view.readUInt16LE(14),
    generation: view.readUInt32LE(16),
    frameId: view.readUInt32LE(20),
    step: view.readUIntLE(24, 6),
    index: view.readUInt32LE(32),
    chunk: view.readUInt32LE(36),
    length,
    direct: direct === 1,
  };
  return { ok: true, header };
}

/** The bytes of `data`, without a copy. */
export function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The floats in a received payload. Copies only if the bytes are not aligned. */
export function floatsOf(payload: Uint8Array): Float32Array {
  const { buffer, byteOffset, byteLength } = payload;
  if (byteOffset % 4 === 0) return new Float32Array(buffer, byteOffset, byteLength / 4);
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}
