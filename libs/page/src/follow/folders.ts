/** Which of the folders that were named are runs, sweeps, or folders in which these are. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { sweepFiles } from '@lockstep/sweep';

export interface Found {
  readonly runs: readonly string[];
  readonly sweeps: readonly string[];
}

/** Throws `config` for a folder that cannot be read. */
export async function findFolders(paths: readonly string[]): Promise<Found> {
  const found: { readonly runs: string[]; readonly sweeps: string[] } = { runs: [], sweeps: [] };
  const add = (folder: string, kind: Kind): void => {
    if (kind !== 'other') found[kind].push(folder);
  };
  for (const path of paths) {
    const kind = await kindOf(path);
    add(path, kind);
    if (kind !== 'other') continue;
    const inner = await foldersIn(path);
    const kinds = await Promise.all(inner.map(kindOf));
    for (const [i, folder] of inner.entries()) add(folder, kinds[i]!);
  }
  return found;
}

/** The folders of runs in a folder that may not be there yet. */
export async function runsIn(root: string): Promise<readonly string[]> {
  if (!(await isThere(root))) return [];
  const inner = await foldersIn(root);
  const kinds = await Promise.all(inner.map(kindOf));
  return inner.filter((_, i) => kinds[i] === 'runs');
}

type Kind = 'runs' | 'sweeps' | 'other';

async function kindOf(folder: string): Promise<Kind> {
  if (await isFile(join(folder, 'manifest.json'))) return 'runs';
  return (await isFile(join(folder, sweepFiles.manifest))) ? 'sweeps' : 'other';
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Throws `config` for a folder that cannot be read. */
async function foldersIn(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${String(cause)})`;
    throw new LockstepError(
      'config',
      `${root} ${why}; name a run, a sweep, or the folder of your runs`,
      { root },
      { cause },
    );
  });
  const folders = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  return folders.map(({ name }) => join(root, name)).sort();
}
