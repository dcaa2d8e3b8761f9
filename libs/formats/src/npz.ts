/** NumPy's NPZ format: a ZIP archive with one NPY file per array. */
import { createRequire } from 'node:module';
import { crc32 } from 'node:zlib';
import { aBoolean, aString, LockstepError, type Rules, signature } from '@lockstep/errors';
import type { Storage } from '@lockstep/tensor';
import { someArrays, someBytes } from './kinds.ts';
import { decodeNpy, npyPieces } from './npy.ts';
import { type Decoder, decodeBytes, joinPieces } from './ranges.ts';
import type { Tensors } from './safetensors.ts';
import { wanted } from './wanted.ts';
import { directoryDecoder, memberDecoder, type ZipEntry, zipPieces } from './zip.ts';

const ending = '.npy';

export interface NpzOptions {
  /** Deflate the arrays, as `numpy.savez_compressed` does. Default false. */
  readonly compress?: boolean;
}

const npzRules: Rules<NpzOptions> = { compress: aBoolean };
const checkEncodeNpz = signature('encodeNpz', { arrays: someArrays }, npzRules);
const checkDecodeNpz = signature('decodeNpz', { bytes: someBytes, 'what?': aString });

/** The bytes of an .npz archive. They do not depend on the order of the arrays. */
export function encodeNpz(arrays: Tensors, options: NpzOptions = {}): Uint8Array {
  checkEncodeNpz(arrays, options);
  return joinPieces(npzPieces(arrays, options));
}

/** The bytes of {@link encodeNpz} in pieces. */
export function npzPieces(arrays: Tensors, { compress = false }: NpzOptions = {}): Uint8Array[] {
  const members = Object.entries(arrays)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, array]) => {
      const pieces = npyPieces(array);
      const size = pieces.reduce((sum, { length }) => sum + length, 0);
      const crc = pieces.reduce((sum, piece) => crc32(piece, sum), 0);
      const stored = compress ? [deflate(joinPieces(pieces))] : pieces;
      return { name: `${name}${ending}`, size, crc, isDeflated: compress, pieces: stored };
    });
  return zipPieces(members);
}

/** Deflates by fflate, not by Node's zlib, whose output differs between versions of Node. */
function deflate(bytes: Uint8Array): Uint8Array {
  // Loaded on first use: every thread of a worker imports this file, and few threads write an archive.
  const { deflateSync } = createRequire(import.meta.url)('fflate') as typeof import('fflate');
  return deflateSync(bytes, { level: 6 });
}

/**
 * The arrays of an archive by name, as {@link decodeNpy} reads them. Members may be stored or deflated; members that
 * are no .npy files are skipped. Checks the checksum of every array, and throws `data` errors for a damaged archive.
 */
export function decodeNpz(bytes: Uint8Array, what = 'the file'): Tensors {
  checkDecodeNpz(bytes, what);
  return decodeBytes(bytes, (size) => npzDecoder(size, what));
}

/** {@link decodeNpz} as a decoder, of the named arrays or of all. Other arrays are not read, so they may be damaged. */
export function* npzDecoder(size: number, what: string, names?: readonly string[]): Decoder<Tensors> {
  const entries = yield* directoryDecoder(size, what);
  const members = entries.filter(({ name }) => name.endsWith(ending));
  if (members.length === 0 && entries.length > 0) {
    throw new LockstepError(
      'data',
      `${what}: the archive holds no .npy file but ${entries.map(({ name }) => name).join(', ')}; an NPZ file holds arrays`,
      { what },
    );
  }
  const nameOf = ({ name }: ZipEntry): string => name.slice(0, -ending.length);
  const asked = wanted(names, members.map(nameOf), what);
  const arrays: [string, Storage][] = [];
  for (const member of members) {
    if (!asked.has(nameOf(member))) continue;
    const bytes = yield* memberDecoder(member, size, what);
    arrays.push([nameOf(member), decodeNpy(bytes, `${what}: '${member.name}'`)]);
  }
  return Object.fromEntries(arrays);
}
