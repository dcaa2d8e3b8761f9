import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invariant, LockstepError } from '@lockstep/errors';
import {
  type Disk,
  disk,
  fileError,
  makeDurableFolder,
  removeTemporaries,
  unsyncedDisk,
  writeAtomic,
} from '@lockstep/files';
import type { LogGap } from './append-file.ts';
import { canonicalJson } from './json.ts';
import { type DamagedLine, formatLine, type Lines, type LogRecord, readLines, repairLines } from './lines.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { type SealedFile, sealOf } from './seal.ts';

/** Resolved configuration, seed, profile, hashes and versions. */
export type Manifest = Readonly<Record<string, unknown>>;

/**
 * The version of the manifest's fields that this release writes, as `schemaVersion`. Version 1, which does not name itself, has no
 * command line, machine and parent.
 */
export const manifestSchemaVersion = 2;

export const logNames = ['metrics', 'events', 'journal'] as const;
export type LogName = (typeof logNames)[number];

/**
 * full: decisions and checkpoints are on the disk before the run goes on. trial: nothing waits for the disk, so that a run of
 * some milliseconds costs no more. A process that is killed loses nothing in either case; if the machine crashes, a trial may have to
 * be computed again.
 */
export type Durability = 'full' | 'trial';

const diskOf = (durability: Durability): Disk => (durability === 'full' ? disk : unsyncedDisk);

export interface RunOptions {
  /** The folder of all runs. Default `runs`. */
  readonly root?: string;
  readonly name: string;
  /** The folder's name, where something outside has chosen it. Default: date, name and an ending that is drawn. */
  readonly folderName?: string | undefined;
  readonly manifest: Manifest;
  /** Files beside the manifest, by name. The manifest is written after them, so a run with a manifest has them all. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** The date in the folder's name (UTC). */
  readonly now?: Date;
  /** Default `full`. */
  readonly durability?: Durability;
}

/** An open run folder. Only one process at a time writes to a run. */
export class Run {
  readonly folder: string;
  /** Lines of the logs that a crash or a full disk cut short. The caller reports them. */
  readonly damaged: readonly DamagedLine[];
  readonly durability: Durability;
  readonly #metrics: LogFile;
  readonly #events: LogFile;
  readonly #journal: FileHandle;
  #manifest: Manifest;
  /** The last write to the journal. The next one waits for it, so that entries keep their order. */
  #journaled: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    folder: string,
    manifest: Manifest,
    damaged: readonly DamagedLine[],
    journal: FileHandle,
    durability: Durability,
  ) {
    this.folder = folder;
    this.#manifest = manifest;
    this.damaged = damaged;
    this.durability = durability;
    this.#metrics = openLogFile(logPath(folder, 'metrics'));
    this.#events = openLogFile(logPath(folder, 'events'));
    this.#journal = journal;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Adds facts to the manifest that were not known when the run was made. Calls must not overlap. */
  async amend(facts: Manifest): Promise<void> {
    this.#requireOpen();
    this.#manifest = await writeManifest(
      this.folder,
      { ...this.#manifest, ...facts },
      diskOf(this.durability),
    );
  }

  /** Returns false if the record is lost because the disk is full or fails. The run goes on; `gaps` tells what is missing. */
  appendMetrics(record: LogRecord): boolean {
    this.#requireOpen();
    return this.#metrics.append(record);
  }

  /** Returns false if the record is lost, as `appendMetrics` does. */
  appendEvent(record: LogRecord): boolean {
    this.#requireOpen();
    return this.#events.append(record);
  }

  /** Records that are missing in metrics and events. */
  gaps(): readonly LogGap[] {
    return [this.#metrics.gap(), this.#events.gap()].filter((gap) => gap !== undefined);
  }

  /**
   * Resolves when the record is on the disk, or in a trial when it is written. After a failure, which is a `file` error, every later call fails too: a decision
   * that is not in the journal was never made.
   */
  journal(record: LogRecord): Promise<void> {
    this.#requireOpen();
    const line = formatLine(record);
    this.#journaled = this.#journaled.then(async () => {
      try {
        if (this.durability === 'trial') return appendFileSync(this.#journal.fd, line);
        await this.#journal.appendFile(line);
        await this.#journal.datasync();
      } catch (cause) {
        throw fileError(logPath(this.folder, 'journal'), cause);
      }
    });
    return this.#journaled;
  }

  /**
   * Writes into the journal what the files of the run are: its logs, its manifest, the named further files, and its checkpoints, whose
   * hashes are known. Nothing may be written to the run from then on. Throws the system's error if a file cannot be read.
   */
  async seal(fileNames: readonly string[], checkpoints: readonly SealedFile[]): Promise<void> {
    this.#requireOpen();
    await this.#journaled;
    await this.journal({ ...(await sealOf(this.folder, [manifestName, ...fileNames], checkpoints)) });
  }

  /** Waits for the journal and closes the files. Closing twice does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // The caller that wrote the entry has got the error.
    await this.#journaled.catch(() => undefined);
    this.#metrics.close();
    this.#events.close();
    await this.#journal.close();
  }

  #requireOpen(): void {
    invariant(!this.#closed, `the run ${this.folder} is written to after it was closed`);
  }
}

/**
 * Creates a run in a folder of its own, `<date>-<name>-<4 hex>` unless another name is given, with its manifest on the disk. Throws a
 * `file` error, and then leaves no folder.
 */
export async function createRun(options: RunOptions): Promise<Run> {
  const { root = 'runs', name, manifest, files = {}, now = new Date(), durability = 'full' } = options;
  const on = diskOf(durability);
  // Checked before the folder is made: a manifest that JSON cannot hold makes no run.
  canonicalJson(manifest);
  const slug = name.replace(/[^A-Za-z0-9._]+/g, '-').replace(/^-|-$/g, '') || 'run';
  const prefix = `${now.toISOString().slice(0, 10)}-${slug}`;
  const folder = await createFolder(root, options.folderName ?? prefix, options.folderName === undefined, on);
  try {
    for (const [file, contents] of Object.entries(files)) await writeAtomic(join(folder, file), contents, on);
    return await openFiles(folder, await writeManifest(folder, manifest, on), [], durability);
  } catch (error) {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** The manifest as it will be read. */
async function writeManifest(folder: string, manifest: Manifest, on: Disk): Promise<Manifest> {
  const written = JSON.parse(canonicalJson(manifest)) as Manifest;
  await writeAtomic(join(folder, manifestName), `${JSON.stringify(written, null, 2)}\n`, on);
  return written;
}

const manifestName = 'manifest.json';

/**
 * Opens an existing run to continue it, and removes files that a killed process did not finish. Throws `checkpoint` if the
 * folder is not a run.
 */
export async function openRun(
  folder: string,
  { durability = 'full' }: Pick<RunOptions, 'durability'> = {},
): Promise<Run> {
  const manifest = await readManifest(folder);
  await removeTemporaries(folder);
  const damaged: DamagedLine[] = [];
  for (const name of logNames) damaged.push(...(await repairLines(logPath(folder, name))));
  return openFiles(folder, manifest, damaged, durability);
}

/** The manifest of a run. Throws a `checkpoint` error if it is missing or damaged. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestName);
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest;
  } catch (cause) {
    const remedy =
      cause instanceof SyntaxError
        ? 'it was damaged after it was written: put it back from a copy, or begin again with lockstep train'
        : 'name the folder of a run';
    throw new LockstepError(
      'checkpoint',
      `${path}: cannot be read (${String(cause)}); ${remedy}`,
      { path },
      { cause },
    );
  }
}

/** The records of one log of a run. Another process may still write to it. */
export function readLog(folder: string, name: LogName): Promise<Lines> {
  return readLines(logPath(folder, name));
}

/** The file of one log of a run. */
export function logPath(folder: string, name: LogName): string {
  return join(folder, `${name}.jsonl`);
}

async function openFiles(
  folder: string,
  manifest: Manifest,
  damaged: readonly DamagedLine[],
  durability: Durability,
): Promise<Run> {
  const path = logPath(folder, 'journal');
  const journal = await open(path, 'a').catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  try {
    const run = new Run(folder, manifest, damaged, journal, durability);
    await diskOf(durability).syncFolder(folder);
    return run;
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** A folder of this name; where endings are drawn, until one is free: there are 65,536 for each name and day. */
async function createFolder(root: string, name: string, isDrawn: boolean, on: Disk): Promise<string> {
  try {
    await makeDurableFolder(root, on);
  } catch (cause) {
    throw fileError(root, cause);
  }
  for (;;) {
    const folder = join(root, isDrawn ? `${name}-${randomBytes(2).toString('hex')}` : name);
    try {
      await mkdir(folder);
      await on.syncFolder(root);
      return folder;
    } catch (error) {
      if (!isDrawn || (error as NodeJS.ErrnoException).code !== 'EEXIST') throw fileError(folder, error);
    }
  }
}
