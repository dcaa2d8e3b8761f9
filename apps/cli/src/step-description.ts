/** Describes what a step of an experiment computes, with its costs. */
import { describePrograms, type RunOverrides } from '@lockstep/training';
import type { ExperimentFile } from './experiment-file.ts';
import { compileStep } from './step-programs.ts';

/** Errors that the experiment throws have file and line of the experiment. */
export async function describeStep(file: ExperimentFile, overrides: RunOverrides) {
  const { config, programs, place } = await compileStep(file, overrides);
  return place(() => describePrograms(programs, config.numShards));
}
