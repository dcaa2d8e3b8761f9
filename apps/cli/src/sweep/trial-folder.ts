/** The run folder of a trial: made when its run begins, and opened again at each rung and after a crash. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder, listCheckpoints } from '@lockstep/checkpoint';
import { type ErrorCode, LockstepError } from '@lockstep/errors';
import { shortPath } from '@lockstep/inference';
import type { Profile } from '@lockstep/protocol';
import type { Sweep, SweepRun } from '@lockstep/sweep';
import { readLog } from '@lockstep/tracking';
import { createRunFolder, type OpenedRun, openRunFolder } from '../run-folder.ts';
import type { SweepExperiment } from './sweep-file.ts';
import { runsFolder } from './sweep-folder.ts';
import { type ResolvedTrial, resolveTrial } from './trial-config.ts';

/** What all trials of a sweep share. */
export interface TrialSource {
  /** The folder of the sweep. */
  readonly folder: string;
  readonly sweep: Sweep;
  readonly experiment: SweepExperiment;
  readonly profile: Profile;
}

/** Errors that the same parameters give on every machine. The others say something of this machine or its workers. */
const codesOfTrials: readonly ErrorCode[] = ['shape', 'dtype', 'argument', 'trace', 'experiment', 'config'];

/** Why a trial fails by itself; undefined for errors that say nothing of it. */
export const reasonOf = (error: unknown): string | undefined =>
  error instanceof LockstepError && codesOfTrials.includes(error.code) ? error.message : undefined;

/** The configuration that `lockstep train` would give the run. Throws what the experiment says of these parameters. */
export function prepareRun({ params, seed }: SweepRun, { sweep, experiment }: TrialSource): ResolvedTrial {
  const { steps, epochs, limitSamples } = sweep;
  return resolveTrial(experiment, params, { seed, steps, epochs, limitSamples });
}

/** Opens the folder in which the run was begun, if it can go on from there; else makes a new one. */
export async function openTrial(
  run: SweepRun,
  prepared: ResolvedTrial,
  source: TrialSource,
): Promise<OpenedRun> {
  const root = runsFolder(source.folder);
  const begun = run.begun === undefined ? undefined : await openBegun(run, join(root, run.begun));
  if (begun !== undefined) return begun;
  const { name, config } = prepared;
  return createRunFolder(root, { ...source.experiment, name }, config, source.profile, {
    command: commandOf(run, source),
    record: 'auto',
    folderName: `trial-${String(run.trial).padStart(4, '0')}-seed-${run.seed}`,
    durability: 'trial',
    keep: 1,
  });
}

/**
 * Removes a run that cannot be read, and one that had come to its end without a checkpoint when its process was killed: it is trained
 * again.
 */
async function openBegun({ rung }: SweepRun, folder: string): Promise<OpenedRun | undefined> {
  const { records } = await readLog(folder, 'journal');
  const hasEnded = records.some(({ type, reason }) => type === 'done' && reason !== 'interrupted');
  const isSaved = rung !== undefined && (await listCheckpoints(checkpointFolder(folder))).length > 0;
  try {
    if (!hasEnded || isSaved) return await openRunFolder(folder, 'trial');
  } catch (error) {
    if (!(error instanceof LockstepError && error.code === 'checkpoint')) throw error;
  }
  await rm(folder, { recursive: true, force: true });
  return undefined;
}

/** The command line that trains the same run without a sweep. */
function commandOf(
  { params, seed }: SweepRun,
  { sweep, experiment, profile }: TrialSource,
): readonly string[] {
  const { steps, epochs, limitSamples } = sweep;
  const lengths = Object.entries({ steps, epochs, 'limit-samples': limitSamples });
  return [
    ...['train', shortPath(experiment.path)],
    ...Object.entries(params).flatMap(([name, value]) => ['--set', `${name}=${value}`]),
    ...['--seed', `${seed}`],
    ...lengths.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, `${value}`])),
    ...['--profile', profile],
  ];
}
