import { basename, dirname, join } from 'node:path';
import { type Disk, disk } from './disk.ts';
import { fileError } from './file-error.ts';

const temporaryName = /^\..+\.tmp$/;

/** Bytes, a text, or a list of pieces, whose total length may exceed the limit of one array. */
export type Contents = Uint8Array | string | readonly Uint8Array[];

/**
 * Replaces a file atomically: after a crash the path holds the old file or the whole new one. Throws a `file` error if
 * that fails, and then removes its temporary file.
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

/** Removes the temporary files that {@link writeAtomic} left when its process was killed; returns their names. */
export async function removeTemporaries(folder: string, on: Disk = disk): Promise<readonly string[]> {
  const names = (await on.list(folder)).filter((name) => temporaryName.test(name));
  for (const name of names) await on.remove(join(folder, name));
  return names;
}
