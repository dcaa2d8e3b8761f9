/** Files of this command in a run folder, beside the logs: all that `resume` needs. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, hostname, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { checkpointFolder, defaultKeep, type Keep, saveCheckpoint } from '@lockstep/checkpoint';
import type { Notice } from '@lockstep/coordinator';
import { LockstepError, nearNames } from '@lockstep/errors';
import { fileError, fileErrorCode, writeAtomic } from '@lockstep/files';
import {
  bundleName,
  findProject,
  type KnownManifest,
  type KnownRun,
  readBundle,
  readKnown,
} from '@lockstep/inference';
import type { Profile } from '@lockstep/protocol';
import type { Beginning } from '@lockstep/replay';
import type { RunConfig } from '@lockstep/run';
import {
  createRun,
  type Durability,
  lengthChanged,
  manifestSchemaVersion,
  openRun,
  type Parent,
  type RecordMode,
  type Run,
  readLog,
  sha256,
} from '@lockstep/tracking';
import type { Ending } from './display/display.ts';
import { type ExperimentFile, loadModule } from './experiment-file.ts';
import { version } from './project.ts';

export interface OpenedRun {
  readonly run: Run;
  readonly name: string;
  readonly bundle: Uint8Array;
  readonly config: RunConfig;
  readonly profile: Profile | 'auto';
  /** What was repaired in the folder. */
  readonly notices: readonly Notice[];
}

type Done = Extract<Ending, { type: 'done' }>;
type NonFiniteEnding = Extract<Ending, { type: 'stoppedNonFinite' }>;

export const logFolder = (runFolder: string): string => join(runFolder, 'logs');

/** The code of a new run. */
type RunCode = Pick<ExperimentFile, 'name' | 'bundle' | 'hash' | 'path' | 'project'>;

/** The code that a run keeps, for another run of it. */
export const codeOf = ({ name, bundle, hash, file }: KnownRun): RunCode => ({
  ...{ name, bundle, hash, path: file, project: findProject(dirname(file)) },
});

/** Facts of a new run. */
export interface RunFacts {
  /** The command line that begins the run. */
  readonly command?: readonly string[];
  /** How many checkpoints it keeps. Default 10. */
  readonly keep?: Keep | undefined;
  /** The run from which it branches. */
  readonly parent?: Parent | undefined;
  /** The sweep whose trial it trains again, the number of the trial, and the SHA-256 of the table if the sweep has ended. */
  readonly sweep?: { readonly folder: string; readonly trial: number; readonly table: string | null };
  /** What it records of each step. Default: nothing. */
  readonly record?: RecordMode;
  /** Whether fingerprint steps have histograms. Default: false. */
  readonly histograms?: boolean;
  /** The name in that of its folder. Default: the name of the run. */
  readonly folderName?: string;
  /** Default `full`. */
  readonly durability?: Durability;
}

/** Makes a new run folder with its manifest and the experiment's code. The only seed of a run is that of its configuration. */
export async function createRunFolder(
  root: string,
  code: RunCode,
  config: RunConfig,
  profile: Profile | 'auto',
  facts: RunFacts = {},
): Promise<OpenedRun> {
  const { name, bundle, hash, path, project } = code;
  const { command = [], keep = defaultKeep, record = 'off', histograms = false } = facts;
  const { parent, sweep, durability = 'full' } = facts;
  const lockfile = join(project.root, 'package-lock.json');
  const manifest = {
    schemaVersion: manifestSchemaVersion,
    name,
    experiment: { file: path, hash },
    config,
    profile,
    ...{ keep, record, histograms },
    lockfile: existsSync(lockfile) ? sha256(await readFile(lockfile)) : null,
    versions: { lockstep: version, node: process.version },
    platform: `${process.platform}-${process.arch}`,
    machine: describeMachine(),
    command,
    parent: parent ?? null,
    ...(sweep !== undefined && { sweep }),
    createdAt: new Date().toISOString(),
  };
  const files = { [bundleName]: bundle };
  const run = await createRun({ root, name: facts.folderName ?? name, manifest, files, durability });
  const opened: OpenedRun = { run, name, bundle, config, profile, notices: [] };
  try {
    await makeLogFolder(run.folder);
    return opened;
  } catch (error) {
    await discardRun(opened);
    throw error;
  }
}

/**
 * Saves the state with which a run begins, as its first checkpoint. Discards the run if that fails.
 */
export async function saveBeginning(opened: OpenedRun, { checkpoint, parent }: Beginning): Promise<void> {
  const { run } = opened;
  const { step, stateHash } = parent;
  try {
    const { tensorsSha256 } = await saveCheckpoint(checkpointFolder(run.folder), checkpoint);
    await run.journal({ type: 'checkpoint', step, ...(stateHash && { stateHash }), tensorsSha256 });
  } catch (error) {
    await discardRun(opened);
    throw error;
  }
}

function describeMachine() {
  const cpu = cpus()[0]?.model.trim() ?? null;
  return { host: hostname(), cpu, cores: availableParallelism(), memoryBytes: totalmem() };
}

async function makeLogFolder(folder: string): Promise<void> {
  await mkdir(logFolder(folder), { recursive: true }).catch((cause: unknown) => {
    throw fileError(logFolder(folder), cause);
  });
}

/** Removes a run without a step. */
export async function discardRun({ run }: OpenedRun): Promise<void> {
  await run.close();
  await rm(run.folder, { recursive: true });
}

/** Opens an existing run to continue it. Throws `checkpoint` when it is damaged. */
export async function openRunFolder(folder: string, durability?: Durability): Promise<OpenedRun> {
  const run = await openRun(folder, { ...(durability && { durability }) });
  try {
    const { name, experiment, config, profile } = readKnown(folder, run.manifest);
    const { bundle, notices } = await readOrRestoreBundle(folder, experiment);
    await makeLogFolder(folder);
    return { run, name, bundle, config, profile, notices };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** The folder of a run, as named on a command line, without slashes at its end. Throws `config` for any other folder. */
export async function requireRunFolder(path: string): Promise<string> {
  const folder = path.replace(/(?<=.)\/+$/, '');
  if (existsSync(join(folder, 'manifest.json'))) return folder;
  if (existsSync(folder) && runName.test(basename(folder))) {
    throw new LockstepError(
      'config',
      `${folder} has no manifest.json: its command was stopped while it made the folder, and nothing was trained; remove the folder and begin with lockstep train`,
      { folder },
    );
  }
  const parent = dirname(folder);
  if (existsSync(join(parent, 'manifest.json')) && existsSync(folder)) {
    throw new LockstepError('config', `${folder} is a file of a run, not its folder; name ${parent}`, {
      ...{ folder, near: [parent] },
    });
  }
  const names = existsSync(parent) ? await runsIn(parent) : [];
  const near = nearNames(basename(folder), names);
  const shown = (near.length > 0 ? near : names.slice(0, 3)).map((name) => join(parent, name));
  const hint =
    shown.length > 0
      ? `did you mean ${shown.join(' or ')}?`
      : `there are no runs in ${parent}; the folder of a run has a manifest.json`;
  throw new LockstepError('config', `${folder} is not the folder of a run; ${hint}`, { folder, near: shown });
}

const runName = /^\d{4}-\d\d-\d\d-.+-[0-9a-f]{4}$/;

/** Names of the runs in a folder, newest first. */
async function runsIn(root: string): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => existsSync(join(root, name, 'manifest.json')));
  const times = await Promise.all(names.map(async (name) => (await stat(join(root, name))).mtimeMs));
  return names
    .map((name, i) => ({ name, time: times[i]! }))
    .sort((a, b) => b.time - a.time)
    .map(({ name }) => name);
}

/**
 * The experiment's code. If it is missing or was cut short, it is made again from its file, provided that the file has not
 * changed.
 */
async function readOrRestoreBundle(
  folder: string,
  { hash, file }: KnownManifest['experiment'],
): Promise<Pick<OpenedRun, 'bundle' | 'notices'>> {
  try {
    return { bundle: await readBundle(folder, hash), notices: [] };
  } catch (error) {
    const path = join(folder, bundleName);
    const bundle = (await loadModule(file).catch(() => undefined))?.bundle;
    if (bundle === undefined || sha256(bundle) !== hash || !(await isBeginning(path, bundle))) throw error;
    await writeAtomic(path, bundle);
    const message = `${path} was missing or cut short; it was made again from ${file}, whose code has not changed since the run began`;
    return { bundle, notices: [{ type: 'codeRestored', message, facts: { path, file } }] };
  }
}

/** Whether a file is missing or holds the beginning of `contents`. Code that somebody changed is not replaced. */
async function isBeginning(path: string, contents: Uint8Array): Promise<boolean> {
  try {
    const found = await readFile(path);
    return Buffer.from(contents).subarray(0, found.length).equals(found);
  } catch (error) {
    return fileErrorCode(error) === 'ENOENT';
  }
}

/** How a finished run ended; undefined for other runs. */
export async function finishedEnding(folder: string): Promise<Done | undefined> {
  const { records } = await readLog(folder, 'events');
  // A run that was made longer after its end is not finished.
  const last = records.findLast(({ type }) => type === 'done' || type === lengthChanged);
  return last?.type === 'done' ? (last.ending as Done) : undefined;
}

/** How a run ended that stopped at something that is not finite; undefined if it went on afterwards. */
export async function nonFiniteEnding(folder: string): Promise<NonFiniteEnding | undefined> {
  const { records } = await readLog(folder, 'events');
  const last = records.at(-1);
  return last?.type === 'stoppedNonFinite' ? (last.ending as NonFiniteEnding) : undefined;
}
