/**
 * Decoders ask for the ranges of bytes that they need. So the same decoder reads from memory and from a file, also one
 * that is larger than an array can be, and what nobody asks for is not read.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { LockstepError } from '@lockstep/errors';
import { readInto } from '@lockstep/files';

export interface Range {
  /** The first byte, from 0. */
  readonly at: number;
  readonly length: number;
}

/** Bytes that start a buffer of their own, so that a view of any width is aligned. */
export type OwnBytes = Uint8Array<ArrayBuffer>;

/** It is given the bytes of each range that it yields, in memory of its own. */
export type Decoder<T> = Generator<Range, T, OwnBytes>;

/** Decodes what lies in memory. A range must lie within the bytes. */
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
 * Decodes a file.
 *
 * @throws LockstepError `data` if the file cannot be read, beside the decoder's own errors.
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

/** Pieces as one array. */
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
