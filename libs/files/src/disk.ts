/** The file operations that durable writes need. Tests replace the machine's disk with one of their own. */
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs';
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
  /** Creates an empty file, or empties an existing one. */
  create(path: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  /** Does nothing if there is no such file. */
  remove(path: string): Promise<void>;
  /** Makes a folder and the folders above it; returns the topmost folder that was made, if any. */
  makeFolder(path: string): Promise<string | undefined>;
  /** Makes creations, renames and removals in a folder durable. */
  syncFolder(path: string): Promise<void>;
  /** The names in a folder; an empty list if the folder does not exist. */
  list(path: string): Promise<readonly string[]>;
}

/** The machine's disk. */
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

/**
 * The same disk, without waiting until it has what is written. A process that is killed loses nothing of it; a machine that
 * crashes may lose the last seconds, or leave empty files. Files are written at once: each wait for another thread would take longer.
 */
export const unsyncedDisk: Disk = {
  ...disk,
  create: async (path) => {
    const file = openSync(path, 'w');
    return {
      write: async (contents) => writeFileSync(file, contents),
      sync: async () => undefined,
      close: async () => closeSync(file),
    };
  },
  rename: async (from, to) => renameSync(from, to),
  makeFolder: async (path) => mkdirSync(path, { recursive: true }),
  syncFolder: async () => undefined,
};

/** Makes a folder that exists after a crash. */
export async function makeDurableFolder(path: string, on: Disk = disk): Promise<void> {
  const topmost = await on.makeFolder(path);
  if (topmost !== undefined) await on.syncFolder(dirname(topmost));
}
