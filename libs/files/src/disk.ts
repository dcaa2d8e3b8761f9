/** The operations on files that durability is made of. Tests put a disk of their own in place of the machine's. */
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that is being written. */
export interface OpenFile {
  write(contents: Uint8Array | string): Promise<void>;
  /** Resolves when what was written is on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** An empty file, in place of one that is there. */
  create(path: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens when there is no such file. */
  remove(path: string): Promise<void>;
  /** With the folders above it; the topmost folder that was made, if any was. */
  makeFolder(path: string): Promise<string | undefined>;
  /** Makes what was created, renamed and removed in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** Names in a folder; none where it does not exist. */
  list(path: string): Promise<readonly string[]>;
}

/** The machine's own. */
export const disk: Disk = {
  create: async (path) => {
    const file = await open(path, 'w');
    return {
      write: (contents) => file.writeFile(contents),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  rename,
  remove: (path) => rm(path, { force: true }),
  makeFolder: (path) => mkdir(path, { recursive: true }),
  syncFolder: async (path) => {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  list: async (path) => {
    try {
      return await readdir(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(`${error.code}`))
        return [];
      throw error;
    }
  },
};

/** A folder that a crash does not take away again. */
export async function makeDurableFolder(path: string, on: Disk = disk): Promise<void> {
  const topmost = await on.makeFolder(path);
  if (topmost !== undefined) await on.syncFolder(dirname(topmost));
}
