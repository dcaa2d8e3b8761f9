/** A run folder with everything that its steps are computed from: experiment, data, settings. */
import { basename, resolve } from 'node:path';
import { checkpointFolder, listCheckpoints } from '@lockstep/checkpoint';
import type { Dataset } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { importKept, type KnownRun, placedIn, readBundle, readKnown } from '@lockstep/inference';
import type { Profile } from '@lockstep/kernels';
import { createSchedule, type Programs, type Schedule } from '@lockstep/run';
import { type LogRecord, type Manifest, parentOf, readLog, readManifest } from '@lockstep/tracking';
import { compilePrograms, type Experiment, type HashesOfPrograms, hashesOf } from '@lockstep/training';
import { type Stage, stageAt, stagesOf } from './stages.ts';

/** What has changed since the run computed its last step. */
export interface Change {
  /**
   * `data`: the data have other bytes. `program`: the experiment, as this build traces it, computes other operations. `build`:
   * another build of the packages computes the steps.
   */
  readonly what: 'data' | 'program' | 'build';
  readonly recorded: string;
  readonly found: string;
  /** The programs that differ. */
  readonly programs?: readonly string[];
}

export interface RecordedRun extends KnownRun {
  readonly folder: string;
  /** The name of the folder. */
  readonly id: string;
  readonly manifest: Manifest;
  /** The arithmetic of the run. */
  readonly profile: Profile;
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly journal: readonly LogRecord[];
  /** Steps of the complete checkpoints, ascending. */
  readonly checkpoints: readonly number[];
  /** The step at which the run begins: 0, or where it branched from another run. */
  readonly firstStep: number;
  /** What has changed since the run was computed. */
  readonly changes: readonly Change[];
  /** Of the programs as this build traces them, with the last length. */
  readonly hashes: HashesOfPrograms;
  /** How `step` is computed. */
  stage(step: number): Stage;
  schedule(stage: Stage): Schedule;
  /** Compiled when they are asked for first. */
  programs(stage: Stage): Programs;
}

export interface OpenOptions {
  /** The hash of this build. Without it, builds are not compared. */
  readonly build?: string;
}

/**
 * Opens a run folder. The data are loaded from where the experiment says.
 *
 * @throws LockstepError `checkpoint` for a damaged folder, `config` for a run that has done nothing, `data` or `experiment` for what
 * cannot be loaded.
 */
export async function openRecordedRun(folder: string, { build }: OpenOptions = {}): Promise<RecordedRun> {
  const manifest = await readManifest(folder);
  const { name, experiment: origin, config, profile } = readKnown(folder, manifest);
  const { hash, file } = origin;
  const known: KnownRun = { name, config, bundle: await readBundle(folder, hash), hash, file };
  const { records: journal } = await readLog(folder, 'journal');
  if (profile === 'auto') {
    throw new LockstepError(
      'config',
      `${folder} has computed no step, so there is nothing to compute again; go on with lockstep resume`,
      { folder },
    );
  }
  const experiment = await importKept(known);
  const dataset = await experiment.data.load({ limitSamples: config.limitSamples ?? undefined });
  const stages = stagesOf(manifest, config);
  const schedule = ({ config }: Stage): Schedule =>
    createSchedule(config, dataset.splits.train.size, dataset.splits.validation !== undefined);
  const compiled = new Map<Stage, Programs>();
  const programs = (stage: Stage): Programs => {
    const known_ = compiled.get(stage);
    if (known_ !== undefined) return known_;
    const made = placedIn(known, experiment, () =>
      compilePrograms(experiment, dataset, stage.config, schedule(stage).totalSteps),
    );
    compiled.set(stage, made);
    return made;
  };
  const hashes = hashesOf(programs(stages.at(-1)!), experiment.earlyStopping);
  return {
    ...known,
    folder,
    id: basename(resolve(folder)),
    manifest,
    profile,
    experiment,
    dataset,
    journal,
    checkpoints: (await listCheckpoints(checkpointFolder(folder))).map(({ step }) => step),
    firstStep: parentOf(manifest)?.step ?? 0,
    changes: changesSince(manifest, journal, {
      data: dataset.hash,
      programs: hashes,
      build,
    }),
    hashes,
    stage: (step) => stageAt(stages, step),
    schedule,
    programs,
  };
}

interface Found {
  readonly data: string;
  readonly programs: HashesOfPrograms;
  readonly build: string | undefined;
}

function changesSince(manifest: Manifest, journal: readonly LogRecord[], found: Found): Change[] {
  const changes: Change[] = [];
  const data = journal.findLast(({ type }) => type === 'data')?.hash;
  if (typeof data === 'string' && data !== found.data) {
    changes.push({ what: 'data', recorded: data, found: found.data });
  }
  const hashes = (journal.findLast(({ type }) => type === 'programs')?.hashes ??
    {}) as Partial<HashesOfPrograms>;
  const names = Object.keys(found.programs) as (keyof HashesOfPrograms)[];
  const differing = names.filter(
    (name) => hashes[name] !== undefined && hashes[name] !== found.programs[name],
  );
  if (differing.length > 0) {
    const [first] = differing as [keyof HashesOfPrograms];
    changes.push({
      what: 'program',
      ...{ recorded: hashes[first]!, found: found.programs[first]!, programs: differing },
    });
  }
  const builds = Array.isArray(manifest.builds) ? (manifest.builds as unknown[]) : [];
  const recorded = builds.at(-1);
  if (found.build !== undefined && typeof recorded === 'string' && recorded !== found.build) {
    changes.push({ what: 'build', recorded, found: found.build });
  }
  return changes;
}
