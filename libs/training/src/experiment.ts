/** What a user writes: the description of a training run. It does not mention workers. */
import type { Tensor } from '@lockstep/autodiff';
import type { DataSource } from '@lockstep/data';
import type { Layer } from '@lockstep/nn';
import type { GradientTransformation } from '@lockstep/optim';
import type { EarlyStopping } from '@lockstep/run';

/** The columns of a batch: inputs `x [rows, ..]`, labels `y [rows, ..]`, and all other columns of the data. */
export type Batch = { readonly x: Tensor; readonly y: Tensor } & Readonly<Record<string, Tensor>>;

/** The columns of new rows, which have no labels: the input of a trained run. */
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
   * The parameters that evaluations use: the trained ones, or their average by `emaParams` or `swaParams` in the
   * optimizer's chain. In both cases the model's state, such as running statistics, is that of training. Default
   * 'params'.
   */
  readonly evaluateWith?: 'params' | 'average';
  /**
   * What happens when a loss, gradient or parameter is not finite. 'stop' ends the run before the update, so that the
   * newest checkpoint holds the last finite state, and names the operation. 'warn' reports it and continues. An
   * optimizer with `skipNonFinite` skips steps whose gradients are not finite; a non-finite parameter, or a
   * non-finite loss with finite gradients, still stops the run. Default 'stop'.
   */
  readonly onNonFinite?: 'stop' | 'warn';
}

/** An experiment with a model of layers and a loss of outputs and labels. */
export interface ModelExperiment extends CommonOptions {
  // biome-ignore lint/suspicious/noExplicitAny: a model's parameters are known to the model alone
  readonly model: Layer<any, any>;
  /**
   * (outputs [rows, ..], labels [rows, ..]) → [rows], one value per sample; `batch` has all columns, inputs included.
   */
  readonly loss: (outputs: Tensor, labels: Tensor, batch: Batch) => Tensor;
  /** Added to the mean loss. Differentiated once per step, not once per shard. */
  readonly penalty?: (params: unknown) => Tensor;
  /** Each like `loss` → [rows]. */
  readonly metrics?: Readonly<Record<string, (outputs: Tensor, labels: Tensor, batch: Batch) => Tensor>>;
}

/** An experiment with its own loss: any tree of parameters, any differentiable function. */
export interface FunctionExperiment<Params> extends CommonOptions {
  readonly init: (key: Tensor) => Params;
  /** → [rows], one value per sample; `key` belongs to this step and shard. */
  readonly loss: (params: Params, batch: Batch, key: Tensor) => Tensor;
  readonly penalty?: (params: Params) => Tensor;
  /** Each → [rows]. */
  readonly metrics?: Readonly<Record<string, (params: Params, batch: Batch) => Tensor>>;
  /** The output of a trained run for new rows, which have no labels → [rows, ..]. Training does not use it. */
  readonly predict?: (params: Params, inputs: Inputs) => Tensor;
}

declare const checked: unique symbol;

/** A checked experiment: what an experiment file exports by default. */
// biome-ignore lint/suspicious/noExplicitAny: parameters are known to the experiment's own functions alone
export type Experiment = (ModelExperiment | FunctionExperiment<any>) & { readonly [checked]?: true };
