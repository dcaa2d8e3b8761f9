/** Saves that are cut after each of their operations on the disk, in every way in which a crash may leave the disk. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Disk, disk } from '@lockstep/files';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Checkpoint, newestCheckpoint, saveCheckpoint } from './checkpoint.ts';

/**
 * What a crash leaves. `all`: the process was killed and the system lives. `synced`: the power failed, and the device has only
 * what was synced. `names`: the power failed, and the device has the names but not the contents.
 */
const crashes = ['all', 'synced', 'names'] as const;
type Crash = (typeof crashes)[number];

interface Inode {
  contents: Uint8Array;
  synced: Uint8Array;
}

/** A folder in memory whose operations fail from number `cutAt` on. A write that is cut writes half its bytes. */
function fragileDisk(cutAt: number, before: ReadonlyMap<string, Uint8Array>) {
  const inodes = [...before].map(([name, contents]) => [name, { contents, synced: contents }] as const);
  const names = new Map<string, Inode>(inodes);
  let syncedNames = new Map(names);
  let numDone = 0;
  const step = (half: () => void = () => undefined): void => {
    if (numDone === cutAt) half();
    if (numDone >= cutAt) throw new Error('the machine is off');
    numDone++;
  };
  const bytesOf = (contents: Uint8Array | string) => Buffer.from(contents as string);
  const disk: Disk = {
    create: async (path) => {
      step();
      const inode: Inode = { contents: new Uint8Array(0), synced: new Uint8Array(0) };
      names.set(basename(path), inode);
      return {
        write: async (contents) => {
          const bytes = bytesOf(contents);
          step(() => {
            inode.contents = bytes.subarray(0, bytes.length >> 1);
          });
          inode.contents = bytes;
        },
        sync: async () => {
          step();
          inode.synced = inode.contents;
        },
        close: async () => undefined,
      };
    },
    rename: async (from, to) => {
      step();
      names.set(basename(to), names.get(basename(from))!);
      names.delete(basename(from));
    },
    remove: async (path) => {
      step();
      names.delete(basename(path));
    },
    makeFolder: async () => undefined,
    syncFolder: async () => {
      step();
      syncedNames = new Map(names);
    },
    list: async () => [...names.keys()],
  };
  const after = (crash: Crash): ReadonlyMap<string, Uint8Array> => {
    const left = crash === 'synced' ? syncedNames : names;
    return new Map(
      [...left].map(([name, { contents, synced }]) => [name, crash === 'all' ? contents : synced]),
    );
  };
  return { disk, after };
}

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lockstep-crash-'));
});
afterEach(() => rm(root, { recursive: true }));

const checkpointAt = (step: number): Checkpoint => ({
  step,
  header: { seed: 1 },
  tensors: { w: { dtype: 'float32', shape: [2], data: Float32Array.of(step, 0.5) } },
});

async function filesWith(...steps: readonly number[]): Promise<ReadonlyMap<string, Uint8Array>> {
  let files: ReadonlyMap<string, Uint8Array> = new Map();
  for (const step of steps) {
    const { disk, after } = fragileDisk(Number.POSITIVE_INFINITY, files);
    await saveCheckpoint(join(root, 'run'), checkpointAt(step), { keep: 2, on: disk });
    files = after('synced');
  }
  return files;
}

/** The newest checkpoint in a folder of these files, read from a real disk. */
async function newestIn(files: ReadonlyMap<string, Uint8Array>, name: string) {
  const folder = join(root, name);
  await mkdir(folder);
  for (const [file, contents] of files) await writeFile(join(folder, file), contents);
  return newestCheckpoint(folder);
}

describe.each([
  { before: [], what: 'the first checkpoint' },
  { before: [10, 20], what: 'the third, of which two are kept' },
  { before: [10, 30], what: 'one that is there already' },
])('saving $what', ({ before }) => {
  it.each(crashes)(
    'is one act: cut anywhere, it leaves what was there or all of the new (%s)',
    async (crash) => {
      const start = await filesWith(...before);
      const old = before.length === 0 ? undefined : before.at(-1);
      let numSaved = 0;
      let cutAt = 0;
      for (; ; cutAt++) {
        const { disk, after } = fragileDisk(cutAt, start);
        const saving = saveCheckpoint(join(root, 'run'), checkpointAt(30), { keep: 2, on: disk });
        const isSaved = await saving.then(
          () => true,
          () => false,
        );
        const { checkpoint } = await newestIn(after(crash), `cut-${cutAt}`);
        // A save that was reported as complete exists after any crash.
        const wanted = isSaved ? [30] : [old, 30];
        expect(wanted, `cut after ${cutAt} operations`).toContain(checkpoint?.step);
        if (checkpoint !== undefined) expect(checkpoint).toEqual(checkpointAt(checkpoint.step));
        if (checkpoint?.step === 30) numSaved++;
        if (isSaved) break;
      }
      expect(cutAt).toBeGreaterThanOrEqual(8);
      expect(numSaved).toBeGreaterThan(0);
    },
  );
});

it('leaves no file of a checkpoint that could not be written, and keeps the older ones', async () => {
  const folder = join(root, 'real');
  for (const step of [1, 2, 3]) await saveCheckpoint(folder, checkpointAt(step));
  const names = (await readdir(folder)).sort();
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  });
  for (const ending of ['.safetensors.tmp', '.json.tmp']) {
    const isFull: Disk = {
      ...disk,
      create: async (path) => {
        const file = await disk.create(path);
        return path.endsWith(ending) ? { ...file, write: () => Promise.reject(full) } : file;
      },
    };
    await expect(saveCheckpoint(folder, checkpointAt(4), { on: isFull })).rejects.toMatchObject({
      code: 'file',
      message: expect.stringMatching(
        /step-00000004\.\w+ cannot be written: no space is left on the device \(ENOSPC, [\d,]+ bytes are free\); free some/,
      ),
      facts: { path: join(dirname(folder), 'real', `step-00000004${ending.slice(0, -4)}`), errno: 'ENOSPC' },
    });
    expect((await readdir(folder)).sort()).toEqual(names);
  }
});

it('saves although older checkpoints cannot be removed, and removes them later', async () => {
  const folder = join(root, 'real');
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'unlink' });
  const keeps: Disk = { ...disk, remove: () => Promise.reject(denied) };
  for (const step of [1, 2]) await saveCheckpoint(folder, checkpointAt(step), { keep: 1, on: keeps });
  expect(await readdir(folder)).toHaveLength(4);
  await saveCheckpoint(folder, checkpointAt(3), { keep: 1 });
  expect((await readdir(folder)).sort()).toEqual(['step-00000003.json', 'step-00000003.safetensors']);
});
