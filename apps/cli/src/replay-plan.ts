/** What a replay computes: the steps of a recorded run between two steps, with the settings that each of them had. */
import { basename, resolve } from 'node:path';
import { checkpointFolder, loadCheckpoint } from '@lockstep/checkpoint';
import { invariant, LockstepError } from '@lockstep/errors';
import { profileStatus } from '@lockstep/kernels';
import type { Profile } from '@lockstep/protocol';
import {
  type Beginning,
  type Change,
  type RecordedRun,
  type RunLogs,
  type StepDigests,
  savedBefore,
  stagesOf,
} from '@lockstep/replay';
import type { Progress, RunConfig } from '@lockstep/run';
import {
  changesOf,
  type LengthChange,
  type Parent,
  parentOf,
  type RecordMode,
  recordModeOf,
} from '@lockstep/tracking';
import { codeOf } from './run-folder.ts';

export interface AskedSteps {
  /** Default: the first step of the run. */
  readonly from?: number | undefined;
  /** Default: the last step that is recorded. */
  readonly until?: number | undefined;
}

/** Steps of one length of the run. */
export interface ReplayStage {
  readonly config: RunConfig;
  /** The last step of the stage. */
  readonly until: number;
  /** The change of the length that begins the stage; undefined for the first one. */
  readonly change: LengthChange | undefined;
}

export interface ReplayPlan {
  readonly folder: string;
  readonly code: ReturnType<typeof codeOf>;
  readonly profile: Profile;
  /** The steps after `from` up to `to` are computed. */
  readonly from: number;
  readonly to: number;
  readonly stages: readonly ReplayStage[];
  /** The run from which this one branched. */
  readonly parent: Parent | undefined;
  /** What the run recorded of each step, and the replay records too. */
  readonly record: RecordMode;
  readonly logs: RunLogs;
  /** The digests that members recorded of a step. */
  readonly digestsOf: (step: number) => readonly StepDigests[];
  /** What has changed since the run was computed. */
  readonly changes: readonly Change[];
}

/** Throws `config` for steps that are not recorded, and for an arithmetic that this machine lacks. */
export function planReplay(
  run: RecordedRun,
  { logs, digestsOf }: Pick<ReplayPlan, 'logs' | 'digestsOf'>,
  asked: AskedSteps,
): ReplayPlan {
  const { folder, profile, changes } = run;
  requireProfile(folder, profile);
  const { from, to } = spanOf(run, logs, asked);
  return {
    ...{ folder, profile, from, to, logs, digestsOf, changes },
    code: codeOf(run),
    stages: stagesBetween(run, from, to),
    parent: parentOf(run.manifest),
    record: recordModeOf(run.manifest, folder),
  };
}

function requireProfile(folder: string, profile: Profile): void {
  const status = profileStatus(profile);
  if (status.offered) return;
  throw new LockstepError(
    'config',
    `${folder} was computed in the profile ${profile}, which this machine does not offer: ${status.reason}; replay it on a machine that does (lockstep doctor tells)`,
    { folder, profile, reason: status.reason },
  );
}

function spanOf(run: RecordedRun, logs: RunLogs, asked: AskedSteps): Pick<ReplayPlan, 'from' | 'to'> {
  const { folder, firstStep } = run;
  // A run that stopped at something that is not finite tried one step more than it has done.
  const end = logs.stop === undefined ? logs.lastStep : Math.max(logs.stop.step, firstStep + 1);
  const to = asked.until ?? end;
  if (end === firstStep) {
    throw new LockstepError('config', `${folder} has recorded no step, so there is nothing to compare with`, {
      folder,
    });
  }
  if (to > end || to <= firstStep) {
    throw new LockstepError(
      'config',
      `--until ${to}: ${folder} has recorded steps ${firstStep + 1} to ${end}`,
      { folder, until: to, firstStep, end },
    );
  }
  if (asked.from !== undefined && (asked.from < firstStep || asked.from >= to)) {
    throw new LockstepError(
      'config',
      `--from ${asked.from}: the replay goes up to step ${to}, and the state with which it begins is that of step ${firstStep} or a later one`,
      { folder, from: asked.from, to, firstStep },
    );
  }
  return { from: asked.from === undefined ? firstStep : savedBefore(run, asked.from), to };
}

function stagesBetween(run: RecordedRun, from: number, to: number): readonly ReplayStage[] {
  const { manifest, config: current } = run;
  const changes = changesOf(manifest);
  const stages: ReplayStage[] = [];
  let begins = from;
  for (const [i, stage] of stagesOf(manifest, current).entries()) {
    const until = Math.min(stage.until, to);
    if (until <= begins) continue;
    const change = stages.length === 0 ? undefined : { ...changes[i - 1]!, step: begins };
    // A stage that does its whole schedule has the settings that were recorded, and no other.
    const isWhole = until === run.schedule(stage).totalSteps;
    stages.push({ config: isWhole ? stage.config : { ...stage.config, until }, until, change });
    begins = until;
  }
  return stages;
}

/** The state with which a replay begins; undefined for that of the seed. Throws `checkpoint` for a missing or damaged one. */
export async function beginningOfReplay({
  folder,
  from,
  parent: own,
}: Pick<ReplayPlan, 'folder' | 'from' | 'parent'>): Promise<Beginning | undefined> {
  if (from === 0) return undefined;
  const loaded = await loadCheckpoint(checkpointFolder(folder), from);
  invariant(loaded !== undefined, 'a checkpoint that is named is found or an error');
  const { skipped: _, ...checkpoint } = loaded;
  // A branch that begins where it began goes on from the same parent.
  if (own?.step === from) return { checkpoint, parent: own };
  const { stateHash, progress } = checkpoint.header as {
    readonly stateHash?: string;
    readonly progress: Progress;
  };
  const hashes = { chain: progress.chain, ...(stateHash !== undefined && { stateHash }) };
  const parent = { run: basename(resolve(folder)), folder: resolve(folder), step: from, ...hashes };
  return { checkpoint, parent };
}
