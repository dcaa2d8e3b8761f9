/** NumPy's NPZ format: a ZIP archive with one NPY file an array. */

import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';
import { aBoolean, aString, LockstepError, type Rules, signature } from '@lockstep/errors';
import { someArrays, someBytes } from './kinds.ts';
import { decodeNpy, encodeNpy } from './npy.ts';
import type { Tensors } from './safetensors.ts';

let library: typeof import('fflate') | undefined;

/** Loaded with the first archive: every thread of a worker imports this file, and hardly any opens one. */
function fflate(): typeof import('fflate') {
  library ??= createRequire(import.meta.url)('fflate') as typeof import('fflate');
  return library;
}

export interface NpzOptions {
  /** Deflate the arrays, as `numpy.savez_compressed` does. Default false. */
  readonly compress?: boolean;
}

const npzRules: Rules<NpzOptions> = { compress: aBoolean };
const checkEncodeNpz = signature('encodeNpz', { arrays: someArrays }, npzRules);

/** One archive's bytes, the same for the same arrays in whatever order they are given. */
export function encodeNpz(arrays: Tensors, options: NpzOptions = {}): Uint8Array {
  checkEncodeNpz(arrays, options);
  const { compress = false } = options;
  const files = Object.entries(arrays)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, array]) => [`${name}.npy`, encodeNpy(array)] as const);
  // A date of its own would make every file another: ZIP's first, in the local time that it is written in.
  return fflate().zipSync(Object.fromEntries(files), {
    level: compress ? 6 : 0,
    mtime: new Date(1980, 0, 1),
  });
}

const checkDecodeNpz = signature('decodeNpz', { bytes: someBytes, 'what?': aString });

/** Deflate's best ratio is 1032: what claims more is no deflated file but an attack on memory. */
const maxRatio = 1032;

/**
 * The arrays of an archive by name, as {@link decodeNpy} reads them; stored and deflated. Throws `data` errors for
 * anything else in it and for a damaged archive: every file is held against its checksum.
 */
export function decodeNpz(bytes: Uint8Array, what = 'the file'): Tensors {
  checkDecodeNpz(bytes, what);
  const entries = readDirectory(bytes, what);
  const files = unzip(bytes, what);
  const arrays = Object.entries(files).map(([file, content]) => {
    const entry = entries.get(file);
    if (entry === undefined || entry.size !== content.length || entry.crc !== crc32(content)) {
      throw damaged(what, `'${file}' fails its checksum`);
    }
    if (!file.endsWith('.npy')) throw damaged(what, `'${file}' is no array`);
    return [file.slice(0, -4), decodeNpy(content, `${what}: '${file}'`)] as const;
  });
  if (arrays.length !== entries.size) throw damaged(what, 'it names a file twice');
  return Object.fromEntries(arrays);
}

function unzip(bytes: Uint8Array, what: string): Record<string, Uint8Array> {
  try {
    return fflate().unzipSync(bytes, {
      filter({ name, size, originalSize }) {
        if (originalSize <= size * maxRatio + 64) return true;
        throw damaged(what, `'${name}' claims ${originalSize} bytes in ${size}`);
      },
    });
  } catch (cause) {
    if (cause instanceof LockstepError) throw cause;
    throw damaged(what, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

interface DirectoryEntry {
  readonly crc: number;
  readonly size: number;
}

/** The archive's central directory, which holds the checksums. Source: PKWARE's APPNOTE, 4.3.12 and 4.3.16. */
function readDirectory(bytes: Uint8Array, what: string): Map<string, DirectoryEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw damaged(what, 'it has no directory of files');
  const entries = new Map<string, DirectoryEntry>();
  let at = view.getUint32(end + 16, true);
  for (let i = view.getUint16(end + 10, true); i > 0; i--) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50)
      throw damaged(what, 'its directory is cut off');
    const [nameLength, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ];
    const encoding = view.getUint16(at + 8, true) & 0x800 ? 'utf-8' : 'latin1';
    const name = new TextDecoder(encoding).decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (entries.has(name)) throw damaged(what, `it names '${name}' twice`);
    entries.set(name, { crc: view.getUint32(at + 16, true), size: view.getUint32(at + 24, true) });
    at += 46 + nameLength + extra + comment;
  }
  return entries;
}

function damaged(what: string, how: string, cause?: unknown): LockstepError {
  return new LockstepError('data', `${what}: ${how}; it is damaged or no NPZ file`, { what }, { cause });
}
