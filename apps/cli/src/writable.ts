/** Checks, before anything else is done, whether a command can write to a place, and writes to it. */
import { lstat, mkdir, mkdtemp, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LockstepError, toWireError } from '@lockstep/errors';
import { fileError, writeAtomic } from '@lockstep/files';
import { quoted } from './display/format.ts';

/**
 * Throws `config` unless files can be written in the folder of an option, which may not exist yet. Leaves nothing behind.
 * Folders are made one by one, because Node's `recursive` never returns where the system makes none (`/proc`).
 */
export async function requireWritableFolder(option: string, folder: string): Promise<void> {
  const made: string[] = [];
  try {
    for (const missing of await missingFolders(resolve(folder))) {
      await mkdir(missing);
      made.push(missing);
    }
    const probe = await mkdtemp(join(folder, '.lockstep-'));
    try {
      await writeFile(join(probe, 'probe'), 'probe');
    } finally {
      await rm(probe, { recursive: true, force: true });
    }
  } catch (cause) {
    const { code = '', path = folder, message } = cause as NodeJS.ErrnoException;
    const reason = reasons[code] ?? message;
    const where = resolve(path) === resolve(folder) || path.includes('.lockstep-') ? '' : ` ${quoted(path)}:`;
    throw new LockstepError(
      'config',
      `--${option} ${quoted(folder)} cannot be used:${where} ${reason}; name a folder that can be written to`,
      { folder, errno: code },
      { cause },
    );
  } finally {
    // Another process may have put something into a folder.
    for (const one of made.reverse()) await rmdir(one).catch(() => undefined);
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'its disk is read-only',
  ENOSPC: 'its disk is full',
  EDQUOT: 'the quota of its disk is used up',
  ENOTDIR: 'it is not a folder',
  ENOENT: 'no folder can be made there',
  EEXIST: 'it is a link without a target',
  ELOOP: 'it is a link that leads to itself',
  ENAMETOOLONG: 'the name is too long',
};

/** The folders of a path that do not exist, topmost first. Throws ENOTDIR if something else is in the way. */
async function missingFolders(path: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path; ; at = dirname(at)) {
    const found = await stat(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
      return undefined;
    });
    if (found?.isDirectory()) return missing.reverse();
    if (found !== undefined) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR', path: at });
    missing.push(at);
  }
}

/** Throws `config` for a file that cannot be written at once, such as a pipe that waits for a reader. */
export async function requireOrdinaryFile(option: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile() || found.isCharacterDevice()) return;
  const what = found.isDirectory() ? 'a folder' : found.isFIFO() ? 'a pipe' : 'not an ordinary file';
  throw new LockstepError('config', `--${option} ${quoted(path)} is ${what}; name a file to write`, { path });
}

/** Writes a file completely or not at all. A pipe or a link is written to and not replaced. Throws `config` or `file`. */
export async function writeOut(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const isOrdinary = await lstat(path).then(
      (found) => found.isFile(),
      () => true,
    );
    await (isOrdinary ? writeAtomic(path, bytes) : writeFile(path, bytes));
  } catch (cause) {
    const { message, facts } = toWireError(fileError(path, cause));
    // A path that can never be written to is a mistake in the command line; a full disk is not.
    const isMistake = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS'].includes(`${facts.errno}`);
    throw new LockstepError(isMistake ? 'config' : 'file', message, facts, { cause });
  }
}
