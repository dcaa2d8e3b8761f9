/**
 * A decoder yields the ranges of bytes that it needs. So one decoder reads from memory and from files, including files
 * that are larger than the longest array, and only the needed ranges are read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { LockstepError } from '@lockstep/errors';
import { readInto } from '@lockstep/files';

export interface Range {
  /** The position of the first byte, from 0. */
  readonly at: number;
  readonly length: number;
}

/** Bytes at the start of their own buffer, so that a view of elements of any width is aligned. */
export type OwnBytes = Uint8Array<ArrayBuffer>;

/** A generator that yields ranges, receives the bytes of each, and returns the decoded value. It owns the bytes. */
export type Decoder<T> = Generator<Range, T, OwnBytes>;

/** Runs a decoder on bytes in memory. Its ranges must lie within the bytes. */
export function decodeBytes<T>(bytes: Uint8Array, decode: (size: number) => Decoder<T>): T {
  const decoder = decode(bytes.length);
  let next = decoder.next();
  while (!next.done) {
    const { at, length } = next.value;
    const own = bytesFor(length, 'an array');
    own.set(bytes.subarray(at, at + length));
    next = decoder.next(own);
  }
  return next.value;
}

/**
 * Runs a decoder on a file.
 *
 * @throws LockstepError `data` if the file cannot be read, and the errors of the decoder.
 */
export async function decodeFile<T>(path: string, decode: (size: number) => Decoder<T>): Promise<T> {
  const file = await open(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  try {
    const decoder = decode((await file.stat()).size);
    let next = decoder.next();
    while (!next.done) next = decoder.next(await readRange(file, path, next.value));
    return next.value;
  } finally {
    await file.close();
  }
}

async function readRange(file: FileHandle, path: string, { at, length }: Range): Promise<OwnBytes> {
  const bytes = bytesFor(length, path);
  const found = await readInto(file, bytes, at).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (found < length) throw unreadable(path, 'it became shorter while it was read');
  return bytes;
}

function bytesFor(length: number, what: string): OwnBytes {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new LockstepError(
      'data',
      `${what}: ${length} bytes are more than one array can have in this version of Node; save it in several arrays`,
      { length },
      { cause },
    );
  }
}

function unreadable(path: string, cause: unknown): LockstepError {
  return new LockstepError('data', `${path}: cannot be read: ${String(cause)}`, { path }, { cause });
}

/** Joins pieces into one array. */
export function joinPieces(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = bytesFor(
    pieces.reduce((sum, piece) => sum + piece.length, 0),
    'the file',
  );
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
