/** Trains one run of a sweep on its pool, from its folder to its result. */
import { rm } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { Pool } from '@lockstep/coordinator';
import { type ErrorCode, fromWireError, LockstepError } from '@lockstep/errors';
import { bundleName, shortPath } from '@lockstep/inference';
import type { Outcome, Profile } from '@lockstep/protocol';
import { placed, type RunConfig } from '@lockstep/run';
import { type Evaluation, type Objective, objectiveValue } from '@lockstep/search';
import type { RunResult, Sweep, SweepRun } from '@lockstep/sweep';
import { readLog } from '@lockstep/tracking';
import { resolveConfig, resolveExperiment } from '@lockstep/training';
import { createRunFolder, type OpenedRun, openRunFolder } from '../run-folder.ts';
import { endingOf } from '../session.ts';
import type { SweepExperiment } from './sweep-file.ts';
import { runsFolder } from './sweep-folder.ts';

export interface Training {
  readonly folder: string;
  readonly sweep: Sweep;
  readonly experiment: SweepExperiment;
  readonly profile: Profile;
  readonly pool: Pool;
  /** Called with the folder of a run before it is trained. */
  readonly onBegun: (run: SweepRun, name: string) => void;
  /** Called with a function that stops the run cleanly, each time it is called. Returns one that forgets it. */
  readonly onStop: (stop: () => void) => () => void;
}

/** Resolves with undefined for a run that was stopped. Throws what went wrong outside the trial. */
export async function trainTrial(run: SweepRun, training: Training): Promise<RunResult | undefined> {
  const { sweep, pool } = training;
  const prepared = prepare(run, training);
  if ('reason' in prepared) return prepared;
  const { name, config } = prepared;
  const opened = await openTrial(run, prepared, training);
  const { folder } = opened.run;
  const pooled = await pool
    .train({
      run: opened.run,
      experiment: { name, bundle: opened.bundle },
      config: { run: config, name },
      numShards: config.numShards,
      order: run.trial * sweep.repeats + run.repeat,
      sealedFiles: [bundleName],
    })
    .catch(async (error: unknown) => {
      await opened.run.close();
      throw error;
    });
  const forget = training.onStop(() => pooled.interrupt());
  const outcome = await pooled.done;
  forget();
  const ending = endingOf(outcome, folder, training.profile, pooled.numNonFinite(), false);
  if (ending.type === 'done' || ending.type === 'stoppedNonFinite') {
    opened.run.appendEvent({ time: new Date().toISOString(), type: ending.type, ending });
  }
  await pooled.close();
  return resultOf(outcome, folder, sweep.objective);
}

interface Prepared {
  readonly name: string;
  readonly config: RunConfig;
}

/** The configuration that `lockstep train` would give the run, or why the experiment refuses these parameters. */
function prepare(
  { params, seed }: SweepRun,
  { sweep, experiment }: Training,
): Prepared | { readonly reason: string } {
  const { bundle, hash, project, exported, path } = experiment;
  const { steps, epochs, limitSamples } = sweep;
  try {
    const resolved = placed(
      { bundle, hash, root: project.root },
      () => undefined,
      () => resolveExperiment(exported, params),
    );
    const overrides = { seed, steps, epochs, limitSamples, params: resolved.params };
    const name = resolved.experiment.name ?? basename(path, extname(path));
    return { name, config: resolveConfig(resolved.experiment, overrides) };
  } catch (error) {
    if (error instanceof LockstepError && isOfTrial(error.code)) return { reason: error.message };
    throw error;
  }
}

/** Opens the folder in which an earlier process began the run, if it can go on from there; else makes a new one. */
async function openTrial(run: SweepRun, { name, config }: Prepared, training: Training): Promise<OpenedRun> {
  const { experiment, profile, folder } = training;
  const root = runsFolder(folder);
  if (run.begun !== undefined) {
    const begun = await openBegun(join(root, run.begun));
    if (begun !== undefined) {
      training.onBegun(run, basename(begun.run.folder));
      return begun;
    }
  }
  const opened = await createRunFolder(root, { ...experiment, name }, config, profile, {
    command: commandOf(run, training),
    record: 'auto',
    folderName: `trial-${String(run.trial).padStart(4, '0')}-seed-${run.seed}`,
    durability: 'trial',
  });
  training.onBegun(run, basename(opened.run.folder));
  return opened;
}

/** Removes a run that had come to its end when its process was killed, or that cannot be read: it is trained again. */
async function openBegun(folder: string): Promise<OpenedRun | undefined> {
  const { records } = await readLog(folder, 'journal');
  const hasEnded = records.some(({ type, reason }) => type === 'done' && reason !== 'interrupted');
  try {
    if (!hasEnded) return await openRunFolder(folder, 'trial');
  } catch (error) {
    if (!(error instanceof LockstepError && error.code === 'checkpoint')) throw error;
  }
  await rm(folder, { recursive: true, force: true });
  return undefined;
}

/** The command line that trains the same run without a sweep. */
function commandOf({ params, seed }: SweepRun, { sweep, experiment, profile }: Training): readonly string[] {
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

/** Errors that the same parameters give on every machine. The others say something of this machine or its workers. */
const codesOfTrials: readonly ErrorCode[] = ['shape', 'dtype', 'argument', 'trace', 'experiment', 'config'];

const isOfTrial = (code: ErrorCode): boolean => codesOfTrials.includes(code);

async function resultOf(
  outcome: Outcome,
  folder: string,
  objective: Objective,
): Promise<RunResult | undefined> {
  switch (outcome.reason) {
    case 'finished': {
      const value = objectiveValue(objective, await evaluationsOf(folder, objective.metric));
      if (!Number.isFinite(value)) return { reason: `${objective.metric} is ${value}` };
      return { values: [value], steps: outcome.step };
    }
    case 'interrupted':
      return undefined;
    case 'nonFinite':
      return { reason: `step ${outcome.step} is not finite: ${outcome.found.what.join(', ')}` };
    case 'failed': {
      const error = fromWireError(outcome.error);
      if (error instanceof LockstepError && isOfTrial(error.code)) return { reason: error.message };
      throw error;
    }
    default:
      return outcome satisfies never;
  }
}

/** One for each step: a run that went on after a stop may have logged one twice, with the same value. */
async function evaluationsOf(folder: string, metric: string): Promise<readonly Evaluation[]> {
  const { records } = await readLog(folder, 'metrics');
  const values = new Map<number, number>();
  const names = new Set<string>();
  for (const { kind, step, metrics } of records) {
    if (kind !== 'evaluation' || typeof step !== 'number') continue;
    for (const [name, value] of Object.entries(Object(metrics) as Record<string, unknown>)) {
      names.add(name);
      // Values that are not finite are logged as text.
      if (name === metric) values.set(step, Number(value));
    }
  }
  if (values.size > 0) {
    return [...values].map(([step, value]) => ({ step, value })).sort((a, b) => a.step - b.step);
  }
  throw new LockstepError(
    'config',
    `the runs have no metric '${metric}'; their evaluations have ${[...names].sort().join(', ') || 'none'}`,
    { metric, names: [...names] },
  );
}
