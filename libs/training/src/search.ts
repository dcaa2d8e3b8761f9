/**
 * Where in an experiment a step is not finite: the step is computed again, one shard after the other and operation by operation,
 * with the parameters that it began from.
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
import { type RunConfig, shardKey } from '@lockstep/run';
import { allocate, sizeOf, type TypedArray } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Batch, Experiment } from './experiment.ts';
import { createTask, type Task, type Variables } from './task.ts';
import { formOf, type TreeForm } from './trees.ts';

export interface SearchOptions {
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** The step that is not finite, from 1. */
  readonly step: number;
  /** Parameters, then the model's state, before the step. */
  readonly arrays: readonly TypedArray[];
}

export interface Searched {
  /** The first that is not finite by itself; undefined: the penalty. */
  readonly shard?: number;
  readonly found: NonFinite;
}

/** Undefined where every shard and the penalty are finite by themselves, so that only sums over them are not. */
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
    const loss = (variables: unknown, columns: Batch): Tensor =>
      sum(
        task
          .forward({ params: variables, state }, columns, { training: true, key, weights })
          .loss.mul(weights),
      );
    const [value, slope] = valueAndGrad((variables: unknown) => loss(variables, batch))(params as never);
    if (isSound(value) && isSound(slope)) continue;
    const found = findNonFinite(loss)(params as never, batch as never);
    if (found !== undefined) return { shard, found };
  }
  const penalty = task.penalty === undefined ? undefined : findNonFinite(task.penalty)(params as never);
  return penalty && { found: penalty };
}

const isSound = (tree: unknown): boolean =>
  (flatten(tree as never).leaves as Tensor[]).every(({ data }) =>
    (data as Float32Array).every(Number.isFinite),
  );

/** The form of parameters and state is what initialisation gives, which need not run for it. */
function treesOf(task: Task, arrays: readonly TypedArray[]): Variables {
  let forms: { params: TreeForm; state: TreeForm } | undefined;
  traceProgram(
    (key: Tensor) => {
      const { params, state } = task.init(key);
      forms = { params: formOf(params), state: formOf(state) };
      return flatten(params as never).leaves as Tensor[];
    },
    [{ dtype: 'uint32', shape: [2] }],
  );
  const { params, state } = forms!;
  const leaves = [...params.variables, ...state.variables].map(({ shape }, i) =>
    tensor(arrays[i]!, { shape }),
  );
  const numParams = params.variables.length;
  return {
    params: unflatten(params.structure, leaves.slice(0, numParams)),
    state: unflatten(state.structure, leaves.slice(numParams)),
  };
}

function shardOf(dataset: Dataset, { seed, batchSize, numShards }: RunConfig, step: number, shard: number) {
  const { train } = dataset.splits;
  const numSamples = train.size;
  const { shards } = stepSamples({ seed, step: step - 1, numSamples, batchSize, numShards });
  const { indices, weights } = shards[shard]!;
  const rows = rowsPerShard(batchSize, numShards);
  const columns = Object.values(train.fields).map(({ name, dtype, shape }): [string, Tensor] => {
    const data = allocate(dtype, rows * sizeOf(shape));
    fillBatch(train, indices, { [name]: data });
    return [name, tensor(data, { dtype, shape: [rows, ...shape] })];
  });
  return { batch: Object.fromEntries(columns) as Batch, weights: tensor(weights) };
}
