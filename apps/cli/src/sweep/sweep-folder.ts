/** The folder of a sweep: `sweep.json`, the experiment's code, `journal.jsonl`, the trials' runs and, at the end, `table.jsonl`. */
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { fileError, makeDurableFolder, writeAtomic } from '@lockstep/files';
import {
  bundleName,
  cacheBundle,
  findProject,
  importBundle,
  readBundle,
  requireExported,
} from '@lockstep/inference';
import type { Profile } from '@lockstep/protocol';
import {
  describeSweep,
  type JournalEntry,
  parseEntry,
  type SweepManifest,
  sweepFiles,
} from '@lockstep/sweep';
import { formatLine, readLines, repairLines, sha256 } from '@lockstep/tracking';
import { loadModule } from '../experiment-file.ts';
import { logFolder } from '../run-folder.ts';
import type { SweepExperiment, SweepFile } from './sweep-file.ts';

export const runsFolder = (folder: string): string => join(folder, sweepFiles.runs);

/** Makes the folder of a new sweep. Its manifest is written last, so a folder with a manifest has all that a resume needs. */
export async function createSweepFolder(
  root: string,
  file: SweepFile,
  experiment: SweepExperiment,
  profile: Profile,
): Promise<string> {
  const createdAt = new Date().toISOString();
  const slug = file.name.replace(/[^A-Za-z0-9._]+/g, '-');
  const folder = join(root, `${createdAt.slice(0, 10)}-${slug}-${randomBytes(2).toString('hex')}`);
  if (existsSync(folder)) return createSweepFolder(root, file, experiment, profile);
  const manifest: SweepManifest = {
    ...{ schemaVersion: 1, name: file.name, file: file.path },
    experiment: { file: experiment.path, hash: experiment.hash },
    ...{ sweep: describeSweep(file.sweep), profile, createdAt },
  };
  await makeDurableFolder(folder);
  for (const inner of [runsFolder(folder), logFolder(folder)]) {
    await mkdir(inner).catch((cause: unknown) => {
      throw fileError(inner, cause);
    });
  }
  await writeAtomic(join(folder, bundleName), experiment.bundle);
  await writeAtomic(join(folder, sweepFiles.manifest), `${JSON.stringify(manifest, null, 2)}\n`);
  return folder;
}

/** The experiment as it was when the sweep began: a sweep goes on with the code that it keeps. */
export async function readKeptExperiment(folder: string, manifest: SweepManifest): Promise<SweepExperiment> {
  const { file, hash } = manifest.experiment;
  const bundle = await readBundle(folder, hash).catch(async (cause: unknown) => {
    // The same code may still be in its file.
    const made = await loadModule(file).catch(() => undefined);
    if (made?.hash === hash) return made.bundle;
    throw new LockstepError(
      'config',
      `${join(folder, bundleName)} is missing or was changed, and ${file} is not the code with which the sweep began: put one of them back, or begin another sweep`,
      { folder, file },
      { cause },
    );
  });
  const project = findProject(dirname(file));
  const exports = await importBundle(file, project, await cacheBundle(project, bundle, hash));
  return { path: file, project, bundle, hash, exported: requireExported(file, exports) };
}

export interface OpenJournal {
  /** Of earlier processes. */
  readonly entries: readonly JournalEntry[];
  /** Lines that cannot be read; what they said is computed again. */
  readonly damaged: readonly string[];
  /** Returns when the entries are on the disk. Throws `file`. */
  append(entries: readonly JournalEntry[]): void;
  close(): void;
}

/** Opens the journal of a sweep. A line that a crash cut short is removed. */
export async function openJournal(folder: string): Promise<OpenJournal> {
  const path = join(folder, sweepFiles.journal);
  const lines = await repairLines(path);
  const { records } = await readLines(path);
  const entries = records.map(parseEntry).filter((entry) => entry !== undefined);
  const descriptor = attempt(path, () => openSync(path, 'a'));
  return {
    entries,
    damaged: lines.map(
      ({ line, text }) => `line ${line} of ${path} cannot be read and is passed over: ${text}`,
    ),
    append: (added) =>
      attempt(path, () => {
        writeSync(descriptor, added.map((entry) => formatLine({ ...entry })).join(''));
        fdatasyncSync(descriptor);
      }),
    close: () => closeSync(descriptor),
  };
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Removes the folder of a sweep that has no entry yet, because its address or its keys were wrong. Tells whether it did. */
export async function discardIfEmpty(folder: string): Promise<boolean> {
  const { size } = await stat(join(folder, sweepFiles.journal));
  if (size > 0) return false;
  await rm(folder, { recursive: true });
  return true;
}

/** Removes a table that no longer holds. The journal has all that is in it. */
export const discardTable = (folder: string): Promise<void> =>
  rm(join(folder, sweepFiles.table), { force: true });

/** Writes the table; returns its SHA-256, which is the sweep's result. */
export async function writeTable(folder: string, table: string): Promise<string> {
  await writeAtomic(join(folder, sweepFiles.table), table);
  return sha256(table);
}
