/** A lock file in the run folder, so that only one process at a time trains a run. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import { identityOf, isAlive } from './processes.ts';

/** Holds the lock while `action` lasts. Ignores a lock whose process is gone. Throws `config` if another process holds it. */
export async function whileLocked<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const path = lockOf(folder);
  if (!tryWrite(path, 'wx')) {
    const holder = holderOf(path);
    if (holder !== undefined) {
      throw new LockstepError(
        'config',
        `${folder} is being trained by process ${holder}; stop that one first (or remove ${path} if it is another program)`,
        { folder, pid: holder },
      );
    }
    tryWrite(path, 'w');
  }
  try {
    return await action();
  } finally {
    rmSync(path, { force: true });
  }
}

const lockOf = (folder: string): string => join(folder, 'lock');

/**
 * Whether another process trains the run. Undefined for a lock of another start of the system: its process may be one of another
 * machine that shares the folder.
 */
export function isLocked(folder: string): boolean | undefined {
  const path = lockOf(folder);
  if (holderOf(path) !== undefined) return true;
  const [, identity = ''] = readLock(path).split('\n');
  const own = identityOf(process.pid);
  const isElsewhere = identity !== '' && own !== undefined && bootOf(identity) !== bootOf(own);
  return isElsewhere ? undefined : false;
}

const bootOf = (identity: string): string => identity.split(' ')[0]!;

/** The process that holds the run. Its number may have been given to another program since, or to this one. */
function holderOf(path: string): number | undefined {
  const [first, identity] = readLock(path).split('\n');
  const pid = Number(first);
  if (pid === process.pid || !isAlive(pid)) return undefined;
  const current = identityOf(pid);
  const isSame = identity === undefined || identity === '' || current === undefined || identity === current;
  return isSame ? pid : undefined;
}

/** Returns false if the file exists. Throws `file`. */
function tryWrite(path: string, flag: 'w' | 'wx'): boolean {
  try {
    writeFileSync(path, `${process.pid}\n${identityOf(process.pid) ?? ''}\n`, { flag });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileError(path, error);
  }
}

/** Empty if there is no lock, which may have been released at this moment. Throws `file`. */
function readLock(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw fileError(path, error);
  }
}
