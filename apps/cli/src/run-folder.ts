/** What this command keeps in a run folder beside the logs: all that `resume` needs. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import {
  createRun,
  type Manifest,
  openRun,
  type Run,
  readLog,
  readManifest,
  sha256,
} from '@lockstep/tracking';
import type { RunConfig } from '@lockstep/training';
import type { Ending } from './display/display.ts';
import type { ExperimentFile } from './experiment-file.ts';
import { nearNames } from './near.ts';
import { version } from './project.ts';

export interface OpenedRun {
  readonly run: Run;
  readonly name: string;
  readonly bundle: Uint8Array;
  readonly config: RunConfig;
  readonly profile: Profile | 'auto';
}

type Done = Extract<Ending, { type: 'done' }>;
type NonFiniteEnding = Extract<Ending, { type: 'stoppedNonFinite' }>;

const bundleName = 'experiment.mjs';
export const logFolder = (runFolder: string): string => join(runFolder, 'logs');

/** A new run folder with its manifest and the experiment's code. */
export async function createRunFolder(
  root: string,
  file: ExperimentFile,
  config: RunConfig,
  profile: Profile | 'auto',
): Promise<OpenedRun> {
  const { name, bundle, hash, path, project } = file;
  const lockfile = join(project.root, 'package-lock.json');
  const manifest = {
    name,
    experiment: { file: path, hash },
    config,
    profile,
    lockfile: existsSync(lockfile) ? sha256(await readFile(lockfile)) : null,
    versions: { lockstep: version, node: process.version },
    platform: `${process.platform}-${process.arch}`,
    createdAt: new Date().toISOString(),
  };
  const run = await createRun({ root, name, manifest });
  await writeFile(join(run.folder, bundleName), bundle);
  await mkdir(logFolder(run.folder));
  return { run, name, bundle, config, profile };
}

/** Removes a run in which nothing happened. */
export async function discardRun({ run }: OpenedRun): Promise<void> {
  await run.close();
  await rm(run.folder, { recursive: true });
}

/** What a run began with. */
export interface KnownRun {
  readonly name: string;
  readonly config: RunConfig;
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle. */
  readonly hash: string;
  /** The experiment's file when the run began. */
  readonly file: string;
}

/** Reads an existing run, which may be under way. Throws `checkpoint` when it is damaged. */
export async function readRunFolder(folder: string): Promise<KnownRun> {
  const { name, experiment, config } = readKnown(folder, await readManifest(folder));
  const { hash, file } = experiment;
  return { name, config, bundle: await readBundle(folder, hash), hash, file };
}

/** An existing run, to be continued. Throws `checkpoint` when it is damaged. */
export async function openRunFolder(folder: string): Promise<OpenedRun> {
  const run = await openRun(folder);
  try {
    const { name, experiment, config, profile } = readKnown(folder, run.manifest);
    const bundle = await readBundle(folder, experiment.hash);
    await mkdir(logFolder(folder), { recursive: true });
    return { run, name, bundle, config, profile };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** Throws `config` unless `folder` is that of a run. */
export async function requireRunFolder(folder: string): Promise<void> {
  if (existsSync(join(folder, 'manifest.json'))) return;
  const parent = dirname(folder);
  const names = existsSync(parent) ? await runsIn(parent) : [];
  const near = nearNames(basename(folder), names);
  const shown = (near.length > 0 ? near : names.slice(0, 3)).map((name) => join(parent, name));
  const hint = shown.length > 0 ? `did you mean ${shown.join(' or ')}?` : `there are no runs in ${parent}`;
  throw new LockstepError('config', `${folder} is not the folder of a run; ${hint}`, { folder, near: shown });
}

/** Newest first. */
async function runsIn(root: string): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => existsSync(join(root, name, 'manifest.json')));
  const times = await Promise.all(names.map(async (name) => (await stat(join(root, name))).mtimeMs));
  return names
    .map((name, i) => ({ name, time: times[i]! }))
    .sort((a, b) => b.time - a.time)
    .map(({ name }) => name);
}

interface KnownManifest {
  readonly name: string;
  readonly experiment: { readonly hash: string; readonly file: string };
  readonly config: RunConfig;
  readonly profile: Profile | 'auto';
}

function readKnown(folder: string, manifest: Manifest): KnownManifest {
  const { name, experiment, config, profile } = manifest as Partial<KnownManifest>;
  if (name && experiment?.hash && experiment.file && typeof config?.numShards === 'number' && profile) {
    return { name, experiment, config, profile };
  }
  throw new LockstepError('checkpoint', `${folder}: its manifest.json is not that of a training run`, {
    folder,
  });
}

async function readBundle(folder: string, hash: string): Promise<Uint8Array> {
  const path = join(folder, bundleName);
  const bundle = await readFile(path).catch((cause: unknown) => {
    throw new LockstepError('checkpoint', `${path} cannot be read: ${String(cause)}`, { path }, { cause });
  });
  const actual = sha256(bundle);
  if (actual === hash) return bundle;
  throw new LockstepError(
    'checkpoint',
    `${path} has SHA-256 ${actual}, the run began with ${hash}; a changed experiment is a new run: use lockstep train`,
    { path, actual, expected: hash },
  );
}

/** How a run that has finished ended. */
export async function finishedEnding(folder: string): Promise<Done | undefined> {
  const { records } = await readLog(folder, 'events');
  const last = records.findLast(({ type }) => type === 'done');
  return last === undefined ? undefined : (last.ending as Done);
}

/** How a run ended that was stopped because something was not finite; undefined if it went further since. */
export async function nonFiniteEnding(folder: string): Promise<NonFiniteEnding | undefined> {
  const { records } = await readLog(folder, 'events');
  const last = records.at(-1);
  return last?.type === 'stoppedNonFinite' ? (last.ending as NonFiniteEnding) : undefined;
}
