/** One process trains a run at a time: a file in its folder names it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';

/** Holds the run while `action` lasts. A lock whose process is gone counts for nothing. Throws `config`. */
export async function whileLocked<T>(folder: string, action: () => Promise<T>): Promise<T> {
  const path = join(folder, 'lock');
  if (!tryWrite(path)) {
    const holder = Number(readFileSync(path, 'utf8'));
    if (holder !== process.pid && isAlive(holder)) {
      throw new LockstepError(
        'config',
        `${folder} is being trained by process ${holder}; stop that one first (or remove ${path} if it is another program)`,
        { folder, pid: holder },
      );
    }
    writeFileSync(path, `${process.pid}\n`);
  }
  try {
    return await action();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryWrite(path: string): boolean {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
