/** Files by their ending. */

import { readFile, writeFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { aString, LockstepError, signature } from '@lockstep/errors';
import { someArrays } from './kinds.ts';
import { decodeNpy, encodeNpy } from './npy.ts';
import { decodeNpz, encodeNpz } from './npz.ts';
import { decodeSafetensors, encodeSafetensors, type Tensors } from './safetensors.ts';

interface Format {
  decode(bytes: Uint8Array, path: string): Tensors;
  encode(arrays: Tensors, path: string): Uint8Array;
}

const formats: Readonly<Record<string, Format>> = {
  '.safetensors': {
    decode: (bytes) => decodeSafetensors(bytes).tensors,
    encode: (a) => encodeSafetensors(a),
  },
  '.npz': { decode: decodeNpz, encode: (arrays) => encodeNpz(arrays) },
  '.npy': {
    decode: (bytes, path) => ({ [basename(path, '.npy')]: decodeNpy(bytes, path) }),
    encode(arrays, path) {
      const [only, ...others] = Object.values(arrays);
      if (only !== undefined && others.length === 0) return encodeNpy(only);
      throw new LockstepError(
        'argument',
        `${path}: an .npy file holds one array, not ${Object.keys(arrays).length}; write an .npz file`,
        { path },
      );
    },
  },
};

const checkRead = signature('readArrays', { path: aString });
const checkWrite = signature('writeArrays', { path: aString, arrays: someArrays });

/**
 * The arrays of a .safetensors, .npz or .npy file by name (an .npy file's only one by that of the file). Throws `data`
 * errors for a file that cannot be read, `checkpoint` errors for a damaged safetensors file.
 */
export async function readArrays(path: string): Promise<Tensors> {
  checkRead(path);
  const { decode } = formatOf(path);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new LockstepError('data', `${path}: cannot be read: ${String(cause)}`, { path }, { cause });
  });
  return decode(bytes, path);
}

/** Writes arrays to a .safetensors, .npz or .npy (one array) file, over one that is there. */
export async function writeArrays(path: string, arrays: Tensors): Promise<void> {
  checkWrite(path, arrays);
  await writeFile(path, formatOf(path).encode(arrays, path)).catch((cause: unknown) => {
    throw new LockstepError('data', `${path}: cannot be written: ${String(cause)}`, { path }, { cause });
  });
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
