import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LockstepError } from '@lockstep/errors';

/** The environment variable that names a folder with data, for example in a container. */
export const dataVariable = 'LOCKSTEP_DATA';

/** The folders to search for a dataset: `LOCKSTEP_DATA/<dataset>`, then `LOCKSTEP_DATA` itself. */
export function dataFolders(dataset: string): string[] {
  const folder = process.env[dataVariable];
  return folder === undefined || folder === '' ? [] : [join(folder, dataset), folder];
}

/**
 * The path itself if it exists, else the path below the folder `LOCKSTEP_DATA` if that exists, else the path itself.
 */
export function locateFile(path: string): string {
  if (isAbsolute(path) || existsSync(path)) return path;
  return (
    dataFolders('')
      .map((folder) => join(folder, path))
      .find(existsSync) ?? path
  );
}

/** The folder of an npm package, resolved from the user's project and from this library. */
export function packageFolders(packageName: string, subfolder: string): string[] {
  const origins = [join(process.cwd(), 'package.json'), import.meta.url];
  return origins.flatMap((origin) => {
    try {
      return [join(dirname(createRequire(origin).resolve(`${packageName}/package.json`)), subfolder)];
    } catch (error) {
      // The package is not installed there. The caller throws if no other folder has the files.
      if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return [];
      throw error;
    }
  });
}

/** The first folder that has `file` or `file.gz`. Throws a `data` error with the remedy if no folder has it. */
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

/** The bytes of `file`, or of `file.gz` unpacked. Throws a `data` error unless their SHA-256 is `sha256`. */
export async function readChecked(folder: string, file: string, sha256: string): Promise<Uint8Array> {
  const plain = join(folder, file);
  const path = existsSync(plain) ? plain : `${plain}.gz`;
  const bytes = await readUnpacked(path);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) {
    throw new LockstepError(
      'data',
      `${path}: the contents have SHA-256 ${actual}, expected ${sha256}; the file is damaged or belongs to another dataset; fetch it again`,
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
