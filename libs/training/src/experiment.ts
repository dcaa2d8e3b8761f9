/** What a user writes: the description of a training run, without a word of workers. */
import type { Tensor } from '@lockstep/autodiff';
import type { DataSource } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import type { Layer } from '@lockstep/nn';
import type { GradientTransformation } from '@lockstep/optim';
import type { Declarations, ParamValues, ValuesOf } from '@lockstep/params';
import type { EarlyStopping, RunConfig } from '@lockstep/run';
import { checkExperiment } from './check-experiment.ts';
import { defineTemplate, type ExperimentTemplate } from './template.ts';

/** A batch's columns: inputs `x [rows, ..]`, labels `y [rows, ..]`, and whatever else the data have. */
export type Batch = { readonly x: Tensor; readonly y: Tensor } & Readonly<Record<string, Tensor>>;

/** Rows without labels: what a trained run is given. */
export type Inputs = { readonly x: Tensor } & Readonly<Record<string, Tensor>>;

export interface CommonOptions {
  /** Default: the file's name. */
  readonly name?: string;
  readonly data: DataSource;
  readonly optimizer: GradientTransformation;
  readonly batch: {
    /** Samples of one step, over all workers. */
    readonly size: number;
    /** Fixed slices of a batch, the units of work: a power of two. Default 8. */
    readonly shards?: number;
  };
  /** Passes over the training data. Default 1, or as many as `steps` need. */
  readonly epochs?: number;
  /** Updates; ends the run early if `epochs` are also given. Default: as many as `epochs` have. */
  readonly steps?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Ends the run when a metric has not improved for some evaluations. Default: never. */
  readonly earlyStopping?: EarlyStopping;
  /**
   * The parameters that evaluations use: those trained, or their average by the `emaParams` or `swaParams` in the
   * optimizer's chain. Model state, such as running statistics, is that of training either way. Default 'params'.
   */
  readonly evaluateWith?: 'params' | 'average';
  /**
   * What a loss, gradient or parameter that is not finite does. 'stop' ends the run before the update: its newest checkpoint then
   * holds the last finite state, and the operation is named. 'warn' tells it, and the run goes on. An optimizer with
   * `skipNonFinite` leaves out steps whose gradients are not finite itself; a parameter, or a loss alone, stops it all the same. Default 'stop'.
   */
  readonly onNonFinite?: 'stop' | 'warn';
}

/** A model of layers, with a loss of outputs and labels: one value a sample. */
export interface ModelExperiment extends CommonOptions {
  // biome-ignore lint/suspicious/noExplicitAny: a model's parameters are known to the model alone
  readonly model: Layer<any, any>;
  /** (outputs [rows, ..], labels [rows, ..]) → [rows]; other columns, the inputs among them, are in `batch`. */
  readonly loss: (outputs: Tensor, labels: Tensor, batch: Batch) => Tensor;
  /** Added to the mean loss; differentiated once a step, not once a shard. */
  readonly penalty?: (params: unknown) => Tensor;
  /** Each like `loss` → [rows]. */
  readonly metrics?: Readonly<Record<string, (outputs: Tensor, labels: Tensor, batch: Batch) => Tensor>>;
}

/** A loss of one's own: any pytree of parameters, any differentiable function. */
export interface FunctionExperiment<Params> extends CommonOptions {
  readonly init: (key: Tensor) => Params;
  /** → [rows], one value a sample; `key` belongs to this step and shard. */
  readonly loss: (params: Params, batch: Batch, key: Tensor) => Tensor;
  readonly penalty?: (params: Params) => Tensor;
  /** Each → [rows]. */
  readonly metrics?: Readonly<Record<string, (params: Params, batch: Batch) => Tensor>>;
  /** What a trained run gives for new rows, which have no labels → [rows, ..]. Training does not use it. */
  readonly predict?: (params: Params, inputs: Inputs) => Tensor;
}

declare const checked: unique symbol;

/** A checked experiment: what an experiment file exports by default. */
// biome-ignore lint/suspicious/noExplicitAny: parameters are known to the experiment's own functions alone
export type Experiment = (ModelExperiment | FunctionExperiment<any>) & { readonly [checked]?: true };

const marker = Symbol.for('lockstep.experiment');
const definition = Symbol.for('lockstep.definition');

/**
 * Checks an experiment, of a model of layers or of any function, and marks it as one. With declared parameters first and a
 * function of their values second, the values are set when the run begins: `lockstep train FILE --set rate=0.1`.
 */
export function defineExperiment<const Declared extends Declarations, Params>(
  declared: DeclaredParams<Declared>,
  define: (
    values: ValuesOf<Declared>,
    // What each kind lacks lets the compiler tell from an object's fields which kind it is.
  ) => (ModelExperiment & { init?: undefined }) | (FunctionExperiment<Params> & { model?: undefined }),
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

/** The parameters that an experiment's function is given. */
export interface DeclaredParams<Declared extends Declarations> {
  /** Made by `param`, such as `{ rate: param.number(1e-3) }`. */
  readonly params: Declared;
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

/** The stack of the call of {@link defineExperiment} that made it. */
export function definitionOf(experiment: Experiment): string | undefined {
  return (experiment as { readonly [definition]?: { readonly stack?: string } })[definition]?.stack;
}

/** Whether a value came from {@link defineExperiment}, of whichever copy of this library. */
export function isExperiment(value: unknown): value is Experiment {
  return typeof value === 'object' && value !== null && marker in value;
}

export const defaultShards = 8;

function requireWhole(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new LockstepError('config', `${name} must be a whole number of at least 1, not ${value}`, {
      name,
      value,
    });
  }
}

function requireShards(shards: number): void {
  requireWhole('batch.shards', shards);
  if (shards > 4096 || (shards & (shards - 1)) !== 0) {
    throw new LockstepError(
      'config',
      `batch.shards must be a power of two up to 4096, not ${shards}: results are combined along a binary tree; use ${nearestPower(shards)}`,
      { shards },
    );
  }
}

function nearestPower(value: number): number {
  let power = 1;
  while (power < value && power < 4096) power *= 2;
  return power;
}

/** What the command line may set. */
export interface RunOverrides {
  readonly seed?: number | undefined;
  readonly batchSize?: number | undefined;
  readonly shards?: number | undefined;
  readonly epochs?: number | undefined;
  readonly steps?: number | undefined;
  readonly limitSamples?: number | undefined;
  readonly fingerprintEvery?: number | undefined;
  readonly checkpointEvery?: number | undefined;
  /** Values of the experiment's declared parameters. */
  readonly params?: ParamValues | undefined;
}

/** The experiment's own values where the command line sets none. */
export function resolveConfig(experiment: Experiment, overrides: RunOverrides = {}): RunConfig {
  const config = {
    seed: overrides.seed ?? experiment.seed ?? 1,
    numShards: overrides.shards ?? experiment.batch.shards ?? defaultShards,
    batchSize: overrides.batchSize ?? experiment.batch.size,
    epochs: overrides.epochs ?? (overrides.steps === undefined ? experiment.epochs : undefined) ?? null,
    steps: overrides.steps ?? (overrides.epochs === undefined ? experiment.steps : undefined) ?? null,
    limitSamples: overrides.limitSamples ?? null,
    fingerprintEvery: overrides.fingerprintEvery ?? 50,
    checkpointEvery: overrides.checkpointEvery ?? 200,
    onNonFinite: experiment.onNonFinite ?? ('stop' as const),
    ...(overrides.params && { params: overrides.params }),
  };
  requireShards(config.numShards);
  if (!Number.isSafeInteger(config.seed) || config.seed < 0) {
    throw new LockstepError('config', `the seed must be a whole number of at least 0, not ${config.seed}`, {
      seed: config.seed,
    });
  }
  for (const name of [
    'batchSize',
    'epochs',
    'steps',
    'limitSamples',
    'fingerprintEvery',
    'checkpointEvery',
  ] as const) {
    const value = config[name];
    if (value !== null) requireWhole(name, value);
  }
  return config;
}
