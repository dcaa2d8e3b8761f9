/** Checks experiments and marks them. */
import { checkExperiment } from './check-experiment.ts';
import type { Experiment, FunctionExperiment, ModelExperiment } from './experiment.ts';
import { defaultShards, requireShards, requireWhole } from './resolve-config.ts';

const marker = Symbol.for('lockstep.experiment');
const definition = Symbol.for('lockstep.definition');

/** Checks an experiment of a model of layers or of any function, and marks it as checked. */
export function defineExperiment(experiment: ModelExperiment): Experiment;
export function defineExperiment<Params>(experiment: FunctionExperiment<Params>): Experiment;
export function defineExperiment(experiment: Experiment): Experiment {
  checkExperiment(experiment);
  const { batch, earlyStopping } = experiment;
  requireWhole('batch.size', batch.size);
  requireShards(batch.shards ?? defaultShards);
  if (earlyStopping !== undefined) requireWhole('earlyStopping.patience', earlyStopping.patience);
  const made: { stack?: string } = {};
  Error.captureStackTrace(made, defineExperiment);
  return Object.assign({ ...experiment }, { [marker]: true, [definition]: made });
}

/** The stack of the call of {@link defineExperiment} that made the experiment. */
export function definitionOf(experiment: Experiment): string | undefined {
  return (experiment as { readonly [definition]?: { readonly stack?: string } })[definition]?.stack;
}

/** Whether a value came from {@link defineExperiment} of any copy of this library. */
export function isExperiment(value: unknown): value is Experiment {
  return typeof value === 'object' && value !== null && marker in value;
}
