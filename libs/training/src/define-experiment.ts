/** Checks experiments and marks them. */
import type { Declarations, ValuesOf } from '@lockstep/params';
import { checkExperiment } from './check-experiment.ts';
import type { Experiment, FunctionExperiment, ModelExperiment } from './experiment.ts';
import { defaultShards, requireShards, requireWhole } from './resolve-config.ts';
import { defineTemplate, type ExperimentTemplate } from './template.ts';

const marker = Symbol.for('lockstep.experiment');
const definition = Symbol.for('lockstep.definition');

/** The parameters that an experiment's function is given. */
export interface DeclaredParams<Declared extends Declarations> {
  /** Declared by `param`, such as `{ rate: param.number(1e-3) }`. */
  readonly params: Declared;
}

/** The compiler tells by the field that an object lacks which kind of experiment the object is. */
type EitherExperiment<Params> =
  | (ModelExperiment & { readonly init?: undefined })
  | (FunctionExperiment<Params> & { readonly model?: undefined });

/**
 * Checks an experiment of a model of layers or of any function, and marks it as checked. An experiment with parameters gives their
 * declarations first and a function of their values second; the values are set when a run begins: `lockstep train FILE --set rate=0.1`.
 */
export function defineExperiment<const Declared extends Declarations, Params>(
  declared: DeclaredParams<Declared>,
  define: (values: ValuesOf<Declared>) => EitherExperiment<Params>,
): ExperimentTemplate<Declared>;
export function defineExperiment(experiment: ModelExperiment): Experiment;
export function defineExperiment<Params>(experiment: FunctionExperiment<Params>): Experiment;
export function defineExperiment(
  given: Experiment | DeclaredParams<Declarations>,
  define?: (values: never) => Experiment,
): Experiment | ExperimentTemplate {
  const site: { stack?: string } = {};
  Error.captureStackTrace(site, defineExperiment);
  if (define === undefined && !('params' in Object(given))) return checkedExperiment(given, site);
  return defineTemplate(given, define, (made) => checkedExperiment(made, site));
}

function checkedExperiment(given: unknown, site: { readonly stack?: string }): Experiment {
  checkExperiment(given);
  const experiment = given as Experiment;
  const { batch, earlyStopping } = experiment;
  requireWhole('batch.size', batch.size);
  requireShards(batch.shards ?? defaultShards);
  if (earlyStopping !== undefined) requireWhole('earlyStopping.patience', earlyStopping.patience);
  return Object.assign({ ...experiment }, { [marker]: true, [definition]: site });
}

/** The stack of the call of {@link defineExperiment} that made the experiment. */
export function definitionOf(experiment: Experiment): string | undefined {
  return (experiment as { readonly [definition]?: { readonly stack?: string } })[definition]?.stack;
}

/** Whether a value came from {@link defineExperiment} of any copy of this library. */
export function isExperiment(value: unknown): value is Experiment {
  return typeof value === 'object' && value !== null && marker in value;
}
