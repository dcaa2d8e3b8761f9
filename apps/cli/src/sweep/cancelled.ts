/** Wishes to cancel trials: files in the folder of a sweep, which its process, or the next one, carries out. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileError, makeDurableFolder, writeAtomic } from '@lockstep/files';
import { sweepFiles } from '@lockstep/sweep';

/** How often a process looks for wishes. */
const lookMs = 500;

const folderOf = (folder: string): string => join(folder, sweepFiles.cancelled);

/** Resolves when the wish is on the disk. Throws `file`. */
export async function wishToCancel(folder: string, trial: number): Promise<void> {
  await makeDurableFolder(folderOf(folder));
  await writeAtomic(join(folderOf(folder), `${trial}`), `${new Date().toISOString()}\n`);
}

/** The numbers of trials that somebody wishes to cancel, ascending. Throws `file`. */
export function wishedToCancel(folder: string): readonly number[] {
  return namesIn(folderOf(folder))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileError(path, error);
  }
}

/**
 * Calls `onWish` once for each trial that somebody wishes to cancel: before it returns for those that are known, later for others.
 * `onError` gets what it throws later. Returns a function that ends this.
 */
export function followCancelled(
  folder: string,
  onWish: (trial: number) => void,
  onError: (error: unknown) => void,
): () => void {
  const known = new Set<number>();
  const look = (): void => {
    for (const trial of wishedToCancel(folder)) {
      if (known.has(trial)) continue;
      known.add(trial);
      onWish(trial);
    }
  };
  look();
  const looking = setInterval(() => {
    try {
      look();
    } catch (error) {
      clearInterval(looking);
      onError(error);
    }
  }, lookMs);
  return () => clearInterval(looking);
}
