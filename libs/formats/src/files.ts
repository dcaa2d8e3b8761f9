/** Reads and writes files of arrays in the format that the file's ending names. */
import { basename, extname } from 'node:path';
import { aString, LockstepError, listOf, type Rules, signature } from '@lockstep/errors';
import { writeAtomic } from '@lockstep/files';
import { someArrays } from './kinds.ts';
import { npyDecoder, npyPieces } from './npy.ts';
import { npzDecoder, npzPieces } from './npz.ts';
import { type Decoder, decodeFile } from './ranges.ts';
import { safetensorsDecoder, safetensorsPieces, type Tensors } from './safetensors.ts';
import { wanted } from './wanted.ts';

interface Format {
  decode(size: number, path: string, names: readonly string[] | undefined): Decoder<Tensors>;
  encode(arrays: Tensors, path: string): Uint8Array[];
}

const formats: Readonly<Record<string, Format>> = {
  '.safetensors': {
    *decode(size, _path, names) {
      return (yield* safetensorsDecoder(size, names)).tensors;
    },
    encode: (arrays) => safetensorsPieces(arrays),
  },
  '.npz': { decode: npzDecoder, encode: (arrays) => npzPieces(arrays) },
  '.npy': {
    *decode(size, path, names) {
      const name = basename(path, '.npy');
      wanted(names, [name], path);
      return { [name]: yield* npyDecoder(size, path) };
    },
    encode(arrays, path) {
      const [only, ...others] = Object.values(arrays);
      if (only !== undefined && others.length === 0) return npyPieces(only);
      throw new LockstepError(
        'argument',
        `${path}: an .npy file holds one array, not ${Object.keys(arrays).length}; write an .npz file`,
        { path },
      );
    },
  },
};

export interface ReadArraysOptions {
  /**
   * The names of the arrays to read. Other arrays are not read, so they may be damaged or unsupported. Default: all.
   */
  readonly names?: readonly string[];
}

const readRules: Rules<ReadArraysOptions> = { names: listOf(aString, 'a list of names') };
const checkRead = signature('readArrays', { path: aString }, readRules);
const checkWrite = signature('writeArrays', { path: aString, arrays: someArrays });

/**
 * The arrays of a .safetensors, .npz or .npy file by name; the array of an .npy file has the name of the file. A file
 * may be larger than memory if the requested arrays fit. Throws `data` errors for a file that cannot be read and for a
 * name that the file does not have, and `checkpoint` errors for a damaged safetensors file.
 */
export async function readArrays(path: string, options: ReadArraysOptions = {}): Promise<Tensors> {
  checkRead(path, options);
  const { names } = options;
  const { decode } = formatOf(path);
  return decodeFile(path, (size) => decode(size, path, names));
}

/**
 * Writes arrays to a .safetensors, .npz or .npy (one array) file. Replaces an existing file atomically: the path holds
 * the old file or the whole new one. Throws a `file` error that names path, cause and free space.
 */
export async function writeArrays(path: string, arrays: Tensors): Promise<void> {
  checkWrite(path, arrays);
  await writeAtomic(path, formatOf(path).encode(arrays, path));
}

function formatOf(path: string): Format {
  const ending = extname(path);
  const format = Object.hasOwn(formats, ending) ? formats[ending] : undefined;
  if (format !== undefined) return format;
  throw new LockstepError(
    'argument',
    `${path}: the ending ${ending || '(none)'} names no format; use ${Object.keys(formats).join(', ')}`,
    { path },
  );
}
