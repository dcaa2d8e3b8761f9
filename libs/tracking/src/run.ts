import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { invariant, LockstepError } from '@lockstep/errors';
import { canonicalJson } from './json.ts';
import { formatLine, type Lines, type LogRecord, readLines, repairLines, type TornLine } from './lines.ts';

/** Resolved configuration, seed, profile, hashes and versions: all that `replay` needs. */
export type Manifest = Readonly<Record<string, unknown>>;

export const logNames = ['metrics', 'events', 'journal'] as const;
export type LogName = (typeof logNames)[number];

export interface RunOptions {
  /** The folder of all runs; `runs` unless told. */
  readonly root?: string;
  readonly name: string;
  readonly manifest: Manifest;
  /** The date in the folder's name (UTC). */
  readonly now?: Date;
}

/** An open run folder. One process writes to a run at a time. */
export class Run {
  readonly folder: string;
  /** Records that a crash had cut short and that opening removed: report them. */
  readonly torn: readonly TornLine[];
  readonly #metrics: number;
  readonly #events: number;
  readonly #journal: FileHandle;
  #manifest: Manifest;
  /** The last journal write; the next one waits for it, so that records keep their order. */
  #journaled: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(folder: string, manifest: Manifest, torn: readonly TornLine[], journal: FileHandle) {
    this.folder = folder;
    this.#manifest = manifest;
    this.torn = torn;
    this.#metrics = openSync(logPath(folder, 'metrics'), 'a');
    this.#events = openSync(logPath(folder, 'events'), 'a');
    this.#journal = journal;
  }

  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Puts facts into the manifest that were not known when the run was made. One call at a time. */
  async amend(facts: Manifest): Promise<void> {
    this.#requireOpen();
    this.#manifest = await writeManifest(this.folder, { ...this.#manifest, ...facts });
  }

  appendMetrics(record: LogRecord): void {
    this.#requireOpen();
    appendFileSync(this.#metrics, formatLine(record));
  }

  appendEvent(record: LogRecord): void {
    this.#requireOpen();
    appendFileSync(this.#events, formatLine(record));
  }

  /** Resolves when the record is on the disk. After a failure every later call fails too. */
  journal(record: LogRecord): Promise<void> {
    this.#requireOpen();
    const line = formatLine(record);
    this.#journaled = this.#journaled.then(async () => {
      await this.#journal.appendFile(line);
      await this.#journal.datasync();
    });
    return this.#journaled;
  }

  /** Waits for the journal and closes the files. Closing twice does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.#journaled;
    } finally {
      closeSync(this.#metrics);
      closeSync(this.#events);
      await this.#journal.close();
    }
  }

  #requireOpen(): void {
    invariant(!this.#closed, `the run ${this.folder} is written to after it was closed`);
  }
}

/** A new run in a folder of its own, `<date>-<name>-<4 hex>`, with its manifest on the disk. */
export async function createRun(options: RunOptions): Promise<Run> {
  const { root = 'runs', name, manifest, now = new Date() } = options;
  // Before there is a folder: a manifest that JSON cannot hold makes no run.
  canonicalJson(manifest);
  const slug = name.replace(/[^A-Za-z0-9._]+/g, '-').replace(/^-|-$/g, '') || 'run';
  const folder = await createFolder(root, `${now.toISOString().slice(0, 10)}-${slug}`);
  return openFiles(folder, await writeManifest(folder, manifest), []);
}

/** As it will be read. */
async function writeManifest(folder: string, manifest: Manifest): Promise<Manifest> {
  const written = JSON.parse(canonicalJson(manifest)) as Manifest;
  await writeAtomic(folder, 'manifest.json', `${JSON.stringify(written, null, 2)}\n`);
  return written;
}

/** An existing run, to be continued. Throws a `checkpoint` error if it is none. */
export async function openRun(folder: string): Promise<Run> {
  const manifest = await readManifest(folder);
  const torn: TornLine[] = [];
  for (const name of logNames) {
    const line = await repairLines(logPath(folder, name));
    if (line !== undefined) torn.push(line);
  }
  return openFiles(folder, manifest, torn);
}

/** The manifest of a run. Throws a `checkpoint` error if there is none or it is damaged. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest;
  } catch (cause) {
    throw new LockstepError(
      'checkpoint',
      `${path}: cannot be read (${String(cause)}); name the folder of a run`,
      { path },
      { cause },
    );
  }
}

/** The records of one log of a run, which may still be written to. */
export function readLog(folder: string, name: LogName): Promise<Lines> {
  return readLines(logPath(folder, name));
}

function logPath(folder: string, name: LogName): string {
  return join(folder, `${name}.jsonl`);
}

async function openFiles(folder: string, manifest: Manifest, torn: readonly TornLine[]): Promise<Run> {
  const journal = await open(logPath(folder, 'journal'), 'a');
  const run = new Run(folder, manifest, torn, journal);
  await syncFolder(folder);
  return run;
}

/** Draws endings until one is free: 65,536 of them for each name and day. */
async function createFolder(root: string, prefix: string): Promise<string> {
  await mkdir(root, { recursive: true });
  for (;;) {
    const folder = join(root, `${prefix}-${randomBytes(2).toString('hex')}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** After a crash there is the whole file or none. */
async function writeAtomic(folder: string, name: string, text: string): Promise<void> {
  const temporary = join(folder, `.${name}.tmp`);
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, join(folder, name));
  await syncFolder(folder);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
