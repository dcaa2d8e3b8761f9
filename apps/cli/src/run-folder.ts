/** What this command keeps in a run folder beside the logs: all that `resume` needs. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LockstepError, nearNames } from '@lockstep/errors';
import { bundleName, readBundle, readKnown } from '@lockstep/inference';
import type { Profile } from '@lockstep/protocol';
import { createRun, lengthChanged, openRun, type Run, readLog, sha256 } from '@lockstep/tracking';
import type { RunConfig } from '@lockstep/training';
import type { Ending } from './display/display.ts';
import type { ExperimentFile } from './experiment-file.ts';
import { version } from './project.ts';

export interface OpenedRun {
  readonly run: Run;
  readonly name: string;
  readonly bundle: Uint8Array;
  readonly config: RunConfig;
  readonly profile: Profile | 'auto';
}

type Done = Extract<Ending, { type: 'done' }>;

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

/** How a run that has finished ended. */
export async function finishedEnding(folder: string): Promise<Done | undefined> {
  const { records } = await readLog(folder, 'events');
  // A run that was made longer after its end has not finished.
  const last = records.findLast(({ type }) => type === 'done' || type === lengthChanged);
  return last?.type === 'done' ? (last.ending as Done) : undefined;
}
