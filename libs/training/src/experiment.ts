/** What a user writes: the description of a training run, without a word of workers. */
import type { Tensor } from '@lockstep/autodiff';
import type { DataSource } from '@lockstep/data';
import type { Layer } from '@lockstep/nn';
import type { GradientTransformation } from '@lockstep/optim';
import type { EarlyStopping } from '@lockstep/run';

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
