/** Changes the length of an existing run: steps that are done stay, and later steps follow the new length. */
import { checkpointFolder, newestCheckpoint } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import { importKept, type KnownRun, readRunFolder } from '@lockstep/inference';
import { createSchedule, type Progress, type RunConfig } from '@lockstep/run';
import {
  changesOf,
  type Length,
  type LengthChange,
  lengthChanged,
  noteLengthChange,
  noteLengthInHistograms,
} from '@lockstep/tracking';
import { plural } from './display/format.ts';
import type { OpenedRun } from './run-folder.ts';

export interface AskedLength {
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
}

/** A change that is possible. */
export interface PlannedChange {
  readonly config: RunConfig;
  readonly change: LengthChange;
  readonly note: string;
}

/**
 * The change to the requested length; undefined if the run has that length. Throws `config` for a length below the steps that
 * are done, and for a run that early stopping has ended.
 */
export async function planLength(folder: string, asked: AskedLength): Promise<PlannedChange | undefined> {
  const known = await readRunFolder(folder);
  const before = lengthOf(known.config);
  // As at the start of a run: if only one of them is given, the other does not count.
  const after: Length =
    asked.epochs === undefined && asked.steps === undefined
      ? before
      : { epochs: asked.epochs ?? null, steps: asked.steps ?? null };
  if (after.epochs === before.epochs && after.steps === before.steps) return undefined;
  const { until: _until, ...settings } = known.config;
  const config = { ...settings, ...after };
  const { checkpoint } = await newestCheckpoint(checkpointFolder(folder));
  const step = checkpoint?.step ?? 0;
  const { progress } = (checkpoint?.header ?? {}) as { readonly progress?: Progress };
  if (progress?.stopped === true) throw stoppedEarly(folder, step);
  const total = after.epochs === null ? after.steps! : await totalSteps(known, config);
  if (total < step) throw tooShort(folder, asked, total, step);
  const change = { step, ...after, before, time: new Date().toISOString() };
  const note = `the length changes after step ${step}, from ${describe(before)} to ${describe(after)}: steps up to ${step} have the old length, later steps the new one`;
  return { config, change, note };
}

const lengthOf = ({ epochs, steps }: RunConfig): Length => ({ epochs, steps });

function describe({ epochs, steps }: Length): string {
  const parts = [
    ...(epochs === null ? [] : [plural(epochs, 'epoch')]),
    ...(steps === null ? [] : [plural(steps, 'step')]),
  ];
  return parts.length === 0 ? 'one epoch' : parts.join(' and at most ');
}

/** The length of an epoch follows from the data, so the data must be on this machine. */
async function totalSteps(known: KnownRun, config: RunConfig): Promise<number> {
  const experiment = await importKept(known);
  const { splits } = await experiment.data.load({ limitSamples: config.limitSamples ?? undefined });
  return createSchedule(config, splits.train.size, splits.validation !== undefined).totalSteps;
}

function tooShort(
  folder: string,
  { epochs, steps }: AskedLength,
  total: number,
  step: number,
): LockstepError {
  const given = [
    ...(epochs === undefined ? [] : [`--epochs ${epochs}`]),
    ...(steps === undefined ? [] : [`--steps ${steps}`]),
  ].join(' ');
  return new LockstepError(
    'config',
    `${given}: that is ${plural(total, 'step')} in all, and ${folder} has done ${step}; give at least as many`,
    { folder, total, step },
  );
}

function stoppedEarly(folder: string, step: number): LockstepError {
  return new LockstepError(
    'config',
    `${folder} was ended by early stopping after step ${step}, not by its length, so a greater length changes nothing; raise the patience in the experiment and begin a new run with lockstep train`,
    { folder, step },
  );
}

/**
 * Records the change. The logs come before the manifest, which decides: without the manifest they only say that steps may be
 * repeated.
 */
export async function changeLength(
  opened: OpenedRun,
  { config, change }: Omit<PlannedChange, 'note'>,
): Promise<OpenedRun> {
  const { run } = opened;
  run.appendMetrics({ kind: lengthChanged, ...change });
  run.appendEvent({ type: lengthChanged, ...change });
  await noteLengthChange(run.folder, change.step);
  await noteLengthInHistograms(run.folder, change.step);
  await run.journal({ type: lengthChanged, step: change.step });
  await run.amend({ config, changes: [...changesOf(run.manifest), change] });
  return { ...opened, config };
}
