import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LockstepError } from '@lockstep/errors';

/** Name of the environment variable that names a folder with data, used in containers. */
export const dataVariable = 'LOCKSTEP_DATA';

/** The folder named by `LOCKSTEP_DATA`, and its folder of the dataset's name before it. */
export function dataFolders(dataset: string): string[] {
  const folder = process.env[dataVariable];
  return folder === undefined || folder === '' ? [] : [join(folder, dataset), folder];
}

/** A path as it is given where it exists, else below the folder that `LOCKSTEP_DATA` names, if it exists there. */
export function locateFile(path: string): string {
  if (isAbsolute(path) || existsSync(path)) return path;
  return (
    dataFolders('')
      .map((folder) => join(folder, path))
      .find(existsSync) ?? path
  );
}

/** The folder of an npm package, as the user's project sees it and as this library does. */
export function packageFolders(packageName: string, subfolder: string): string[] {
  const origins = [join(process.cwd(), 'package.json'), import.meta.url];
  return origins.flatMap((origin) => {
    try {
      return [join(dirname(createRequire(origin).resolve(`${packageName}/package.json`)), subfolder)];
    } catch (error) {
      // Not installed there: the caller reports it if no other place has the files.
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return [];
      throw error;
    }
  });
}

/** The first of `folders` that has `file` or `file.gz`; a `data` error with the remedy if none has. */
export function findFolder(
  dataset: string,
  folders: readonly string[],
  file: string,
  remedy: string,
): string {
  const found = folders.find(
    (folder) => existsSync(join(folder, file)) || existsSync(join(folder, `${file}.gz`)),
  );
  if (found !== undefined) return found;
  const places = folders.length === 0 ? 'there is no folder to look in' : `not in ${folders.join(', ')}`;
  throw new LockstepError('data', `${dataset}: ${file} is missing (${places}); ${remedy}`, {
    dataset,
    file,
    folders,
  });
}

/** The bytes of `file` or of `file.gz` unpacked; a `data` error unless their SHA-256 is `sha256`. */
export async function readChecked(folder: string, file: string, sha256: string): Promise<Uint8Array> {
  const plain = join(folder, file);
  const path = existsSync(plain) ? plain : `${plain}.gz`;
  const bytes = await readUnpacked(path);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) {
    throw new LockstepError(
      'data',
      `${path}: the contents have SHA-256 ${actual}, expected ${sha256}; the file is damaged or of another dataset, fetch it again`,
      { path, actual, expected: sha256 },
    );
  }
  return bytes;
}

async function readUnpacked(path: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(path);
    return path.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes;
  } catch (cause) {
    throw new LockstepError('data', `${path}: cannot be read: ${String(cause)}`, { path }, { cause });
  }
}
