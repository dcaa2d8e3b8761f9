/**
 * Finds the operation that makes a step non-finite: computes the step again, one shard after the other and operation
 * by operation, from the parameters before the step.
 */
import { findNonFinite, keyTensor, type NonFinite, sum, type Tensor, valueAndGrad } from '@lockstep/autodiff';
import type { TensorTree } from '@lockstep/optim';
import { shardKey } from '@lockstep/run';
import { flatten } from '@lockstep/tree';
import type { Batch } from './experiment.ts';
import { type StepOptions, shardOf, treesOf } from './step-inputs.ts';
import { createTask } from './task.ts';

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
}: StepOptions): Searched | undefined {
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
