/**
 * Finds the operation that makes a step non-finite: computes the step again, one shard after the other and operation
 * by operation, from the parameters before the step.
 */
import {
  findNonFinite,
  keyTensor,
  type NonFinite,
  sum,
  type Tensor,
  tensor,
  traceProgram,
  valueAndGrad,
} from '@lockstep/autodiff';
import { type Dataset, fillBatch, rowsPerShard, stepSamples } from '@lockstep/data';
import type { TensorTree } from '@lockstep/optim';
import { initInputs, itemsOf, modelGroups, type RunConfig, shardKey, unpack } from '@lockstep/run';
import { allocate, sizeOf, type TypedArray } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Batch, Experiment } from './experiment.ts';
import { createTask, type Task, type Variables } from './task.ts';
import { formOf, type TreeForm } from './trees.ts';

export interface SearchOptions {
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** The non-finite step, from 1. */
  readonly step: number;
  /** Parameters, then the model's state, before the step. */
  readonly arrays: readonly TypedArray[];
}

export interface Searched {
  /** The first shard that is not finite by itself; undefined if it is the penalty. */
  readonly shard?: number;
  readonly found: NonFinite;
}

/** Undefined if every shard and the penalty are finite by themselves, so that only sums over shards are not. */
export function searchNonFinite({
  experiment,
  dataset,
  config,
  step,
  arrays,
}: SearchOptions): Searched | undefined {
  const task = createTask(experiment, dataset);
  const { params, state } = treesOf(task, arrays);
  for (let shard = 0; shard < config.numShards; shard++) {
    const { batch, weights } = shardOf(dataset, config, step, shard);
    const key = keyTensor(shardKey(config.seed, step, shard));
    const loss = (at: TensorTree, columns: Batch): Tensor => {
      const out = task.forward({ params: at, state }, columns, { training: true, key, weights });
      return sum(out.loss.mul(weights));
    };
    const [value, slope] = valueAndGrad((at: TensorTree) => loss(at, batch))(params);
    if (isAllFinite(value) && isAllFinite(slope)) continue;
    const found = findNonFinite(loss)(params, batch);
    if (found !== undefined) return { shard, found };
  }
  const penalty = task.penalty === undefined ? undefined : findNonFinite(task.penalty)(params);
  return penalty && { found: penalty };
}

const isAllFinite = (tree: TensorTree): boolean =>
  flatten(tree).leaves.every(({ data }) => data.every(Number.isFinite));

/** The forms of parameters and state. Traces initialisation without running it. */
function formsOf(task: Task): { readonly params: TreeForm; readonly state: TreeForm } {
  let forms: ReturnType<typeof formsOf> | undefined;
  traceProgram((...inputs) => {
    const { params, state } = task.init(unpack(initInputs, inputs).key);
    forms = { params: formOf(params), state: formOf(state) };
    return flatten(params).leaves;
  }, itemsOf(initInputs));
  return forms!;
}

function treesOf(task: Task, arrays: readonly TypedArray[]): Variables {
  const { params, state } = formsOf(task);
  const groups = modelGroups({ params: params.variables, state: state.variables });
  const leaves = itemsOf(groups).map(({ shape }, i) => tensor(arrays[i]!, { shape }));
  const own = unpack(groups, leaves);
  return {
    params: unflatten(params.structure, own.params),
    state: unflatten(state.structure, own.state),
  };
}

function shardOf(
  dataset: Dataset,
  { seed, batchSize, numShards, epochsFrom }: RunConfig,
  step: number,
  shard: number,
) {
  const { train } = dataset.splits;
  const numSamples = train.size;
  const { shards } = stepSamples({ seed, step: step - 1, numSamples, batchSize, numShards, epochsFrom });
  const { indices, weights } = shards[shard]!;
  const rows = rowsPerShard(batchSize, numShards);
  const columns = Object.values(train.fields).map(({ name, dtype, shape }): [string, Tensor] => {
    const data = allocate(dtype, rows * sizeOf(shape));
    fillBatch(train, indices, { [name]: data });
    return [name, tensor(data, { dtype, shape: [rows, ...shape] })];
  });
  return { batch: Object.fromEntries(columns) as Batch, weights: tensor(weights) };
}
