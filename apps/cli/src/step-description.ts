/** Describes what a step of an experiment computes, with its costs. */
import { createSchedule, placed, placedLater } from '@lockstep/run';
import {
  compilePrograms,
  definitionOf,
  describePrograms,
  type RunOverrides,
  resolveConfig,
} from '@lockstep/training';
import type { ExperimentFile } from './experiment-file.ts';

/** Errors that the experiment throws have file and line of the experiment. */
export async function describeStep(file: ExperimentFile, overrides: RunOverrides) {
  const { experiment, bundle, hash, project } = file;
  const config = resolveConfig(experiment, { ...overrides, params: file.params });
  const source = { bundle, hash, root: project.root };
  const dataset = await placedLater(
    () => source,
    () => experiment.data.load({ limitSamples: config.limitSamples ?? undefined }),
  );
  const { train, validation } = dataset.splits;
  const { totalSteps } = createSchedule(config, train.size, validation !== undefined);
  return placed(
    source,
    () => definitionOf(experiment),
    () => describePrograms(compilePrograms(experiment, dataset, config, totalSteps), config.numShards),
  );
}
