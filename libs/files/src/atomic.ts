import { basename, dirname, join } from 'node:path';
import { type Disk, disk } from './disk.ts';
import { fileError } from './file-error.ts';

const temporaryName = /^\..+\.tmp$/;

/** Bytes, a text, or bytes in pieces, which together may be more than one array can have. */
export type Contents = Uint8Array | string | readonly Uint8Array[];

/**
 * Puts a whole file in place: after a crash there is the old one or the new one, never a part. Throws a `file` error, and
 * leaves no temporary file then.
 */
export async function writeAtomic(path: string, contents: Contents, on: Disk = disk): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  try {
    await writeDurable(temporary, contents, on);
    await on.rename(temporary, path);
    await on.syncFolder(dirname(path));
  } catch (cause) {
    await on.remove(temporary).catch(() => undefined);
    throw fileError(path, cause);
  }
}

async function writeDurable(path: string, contents: Contents, on: Disk): Promise<void> {
  const file = await on.create(path);
  try {
    const pieces = Array.isArray(contents) ? (contents as readonly Uint8Array[]) : [contents as Uint8Array];
    for (const piece of pieces) await file.write(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Removes what {@link writeAtomic} left in a folder when its process was killed; the names of the files. */
export async function removeTemporaries(folder: string, on: Disk = disk): Promise<readonly string[]> {
  const names = (await on.list(folder)).filter((name) => temporaryName.test(name));
  for (const name of names) await on.remove(join(folder, name));
  return names;
}
