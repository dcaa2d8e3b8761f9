/** Loads the data of an experiment and compiles its programs, for commands that describe or measure a step. */
import { createSchedule, type Programs, placed, placedLater, type RunConfig } from '@lockstep/run';
import { compilePrograms, definitionOf, type RunOverrides, resolveConfig } from '@lockstep/training';
import type { ExperimentFile } from './experiment-file.ts';

/** The data of an experiment, as it loads them. */
type Dataset = Awaited<ReturnType<ExperimentFile['experiment']['data']['load']>>;

export interface StepPrograms {
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly programs: Programs;
  /** Updates of the whole run. */
  readonly totalSteps: number;
  /** Runs more of the experiment's code; what that throws has file and line. */
  place<T>(action: () => T): T;
}

/**
 * Its errors have file and line of the experiment.
 *
 * @throws LockstepError `config` for settings that the experiment cannot have, and what the experiment itself throws
 */
export async function compileStep(file: ExperimentFile, overrides: RunOverrides): Promise<StepPrograms> {
  const { experiment, bundle, hash, project } = file;
  const config = resolveConfig(experiment, { ...overrides, params: file.params });
  const source = { bundle, hash, root: project.root };
  const dataset = await placedLater(
    () => source,
    () => experiment.data.load({ limitSamples: config.limitSamples ?? undefined }),
  );
  const { train, validation } = dataset.splits;
  const { totalSteps } = createSchedule(config, train.size, validation !== undefined);
  const place = <T>(action: () => T): T => placed(source, () => definitionOf(experiment), action);
  const programs = place(() => compilePrograms(experiment, dataset, config, totalSteps));
  return { config, dataset, programs, totalSteps, place };
}
