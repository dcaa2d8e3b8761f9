/** What a training step computes with, as tensors: the model before it and the samples of its batch. */
import { keyTensor, stack, type Tensor, tensor, traceProgram } from '@lockstep/autodiff';
import { type Dataset, fillBatch, rowsPerShard } from '@lockstep/data';
import {
  initInputs,
  itemsOf,
  modelGroups,
  type RunConfig,
  shardKey,
  trainingSamples,
  unpack,
} from '@lockstep/run';
import { allocate, type Shape, sizeOf, type TypedArray } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Batch, Experiment } from './experiment.ts';
import type { Task, Variables } from './task.ts';
import { formOf, type TreeForm } from './trees.ts';

export interface StepOptions {
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** The step, from 1. */
  readonly step: number;
  /** Parameters, then the model's state, before the step. What follows them is not read. */
  readonly arrays: readonly TypedArray[];
}

/** The forms of parameters and state. Traces initialisation without running it. */
export function formsOf(task: Task): { readonly params: TreeForm; readonly state: TreeForm } {
  let forms: ReturnType<typeof formsOf> | undefined;
  traceProgram((...inputs) => {
    const { params, state } = task.init(unpack(initInputs, inputs).key);
    forms = { params: formOf(params), state: formOf(state) };
    return flatten(params).leaves;
  }, itemsOf(initInputs));
  return forms!;
}

/** Parameters and state before the step. */
export function treesOf(task: Task, arrays: readonly TypedArray[]): Variables {
  const { params, state } = formsOf(task);
  const groups = modelGroups({ params: params.variables, state: state.variables });
  const leaves = itemsOf(groups).map(({ shape }, i) => tensor(arrays[i]!, { shape }));
  const own = unpack(groups, leaves);
  return {
    params: unflatten(params.structure, own.params),
    state: unflatten(state.structure, own.state),
  };
}

/** The samples of one shard, and their weights. */
export function shardOf(
  dataset: Dataset,
  config: RunConfig,
  step: number,
  shard: number,
): { readonly batch: Batch; readonly weights: Tensor } {
  const { indices, weights } = trainingSamples(config, dataset.splits.train.size, step)[shard]!;
  return { batch: columnsOf(dataset, indices, [indices.length]), weights: tensor(weights) };
}

/** The batch of a step with all its shards, including the rows that only pad them. */
export interface StepBatch {
  /** Each [shards, rows, ..]. */
  readonly columns: Batch;
  /** [shards, rows] */
  readonly weights: Tensor;
  /** uint32 [shards, 2] */
  readonly keys: Tensor;
}

export function batchOf({
  dataset,
  config,
  step,
}: Pick<StepOptions, 'dataset' | 'config' | 'step'>): StepBatch {
  const { seed, batchSize, numShards } = config;
  const shards = trainingSamples(config, dataset.splits.train.size, step);
  const rows = rowsPerShard(batchSize, numShards);
  const indices = Int32Array.from(shards.flatMap((shard) => [...shard.indices]));
  return {
    columns: columnsOf(dataset, indices, [numShards, rows]),
    weights: stack(shards.map(({ weights }) => tensor(weights))),
    keys: stack(shards.map((_, shard) => keyTensor(shardKey(seed, step, shard)))),
  };
}

/** Samples of the training split, by column; `lead` are the axes in front of a sample's own. */
export function columnsOf({ splits }: Dataset, indices: Int32Array, lead: Shape): Batch {
  const { train } = splits;
  const columns = Object.values(train.fields).map(({ name, dtype, shape }): [string, Tensor] => {
    const data = allocate(dtype, indices.length * sizeOf(shape));
    fillBatch(train, indices, { [name]: data });
    return [name, tensor(data, { dtype, shape: [...lead, ...shape] })];
  });
  return Object.fromEntries(columns) as Batch;
}
