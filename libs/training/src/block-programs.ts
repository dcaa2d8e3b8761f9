/** The programs of a block of shards: a training step without its update, and a batch of an evaluation. */
import {
  allReduceSum,
  overShards,
  type Plan,
  stack,
  sum,
  type Tensor,
  valueAndGradWithAux,
} from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import type { TensorTree } from '@lockstep/optim';
import { evaluationSignature, type ProgramForm, pack, shardSignature, sumGroups } from '@lockstep/run';
import { flatten, leafPaths, unflatten } from '@lockstep/tree';
import type { ParamsOf } from './evaluated.ts';
import type { Batch } from './experiment.ts';
import { evaluationGroups } from './metrics.ts';
import type { PlanCache } from './plan-cache.ts';
import { planNamed } from './planned.ts';
import type { Forward, Task } from './task.ts';
import { leavesLike, type Trees } from './trees.ts';

/** What the programs of a run are made of. */
export interface ProgramParts {
  readonly cache: PlanCache;
  readonly task: Task;
  readonly trees: Trees;
  readonly form: ProgramForm;
}

/** Sums of gradients, loss and metrics over a block of `numShards` shards, and the model's next state. */
export function planShard(parts: ProgramParts, numShards: number): Plan {
  const { cache, task, trees, form } = parts;
  const block = overBlock(parts, (params, state, { batch, weights, key }) => {
    const summedLoss = (p: TensorTree): readonly [Tensor, { sums: Tensor; state: TensorTree }] => {
      const out = task.forward({ params: p, state }, batch, { training: true, key, weights });
      const { loss, sums } = weighted(parts, out, weights);
      return [loss, { sums, state: out.state }];
    };
    const [[, aux], grads] = valueAndGradWithAux(summedLoss)(params);
    const gradientSums = flatten(grads).leaves.map(allReduceSum);
    const sums = allReduceSum(aux.sums);
    return { gradientSums, state: leavesLike(trees.state, aux.state), sums };
  });
  return planNamed(cache, shardSignature(form, numShards), ({ params, ...rest }) => block(params, rest));
}

/** Sums of loss and metrics over a block of `numShards` shards, with the parameters that evaluations use. */
export function planEvaluation(parts: ProgramParts, paramsOf: ParamsOf, numShards: number): Plan {
  const { cache, task, form } = parts;
  const block = overBlock(parts, (params, state, { batch, weights, key }) => {
    const out = task.forward({ params, state }, batch, { training: false, key, weights });
    return { sums: allReduceSum(weighted(parts, out, weights).sums) };
  });
  const plan = planNamed(cache, evaluationSignature(form, numShards), ({ params, averageWeight, ...rest }) =>
    block(paramsOf(params, averageWeight), rest),
  );
  if (plan.exchanges.length !== 1) {
    throw new LockstepError(
      'experiment',
      'the model reduces over the batch in evaluation; use statistics of the training run there, as batchNorm does',
      { numExchanges: plan.exchanges.length },
    );
  }
  return plan;
}

/** The weighted sums over the samples of a shard: of the loss alone, and as the columns of `sumGroups`. */
function weighted(
  { task, form }: ProgramParts,
  out: Forward,
  weights: Tensor,
): { readonly loss: Tensor; readonly sums: Tensor } {
  const total = (values: Tensor): Tensor => sum(values.mul(weights));
  const loss = total(out.loss);
  const metrics = pack(evaluationGroups(task), { loss, metrics: out.metrics.map(total) });
  return { loss, sums: stack(pack(sumGroups(form), { metrics, samples: sum(weights) })) };
}

interface Samples {
  readonly batch: Batch;
  /** [rows] */
  readonly weights: Tensor;
  /** uint32 [2] */
  readonly key: Tensor;
}

interface BlockInputs {
  readonly state: readonly Tensor[];
  readonly columns: readonly Tensor[];
  readonly weights: Tensor;
  readonly keys: Tensor;
}

/** Extends `f`, which is written for one shard, to a block of shards. */
function overBlock<Out>(
  { trees, form }: ProgramParts,
  f: (params: TensorTree, state: TensorTree, samples: Samples) => Out,
): (params: readonly Tensor[], inputs: BlockInputs) => Out {
  const block = overShards(
    (params: TensorTree, state: TensorTree, batch: Batch, weights: Tensor, key: Tensor) =>
      f(params, state, { batch, weights, key }),
    [null, null, 0, 0, 0],
    (leaf, out) => outputName(form, leafPaths(out)[leaf]!),
  );
  return (params, { state, columns, weights, keys }) =>
    block(
      unflatten(trees.params.structure, params),
      unflatten(trees.state.structure, state),
      Object.fromEntries(form.columns.map(({ name }, i) => [name, columns[i]!])) as Batch,
      weights,
      keys,
    );
}

/** Sums are reduced, so that only the model's state can differ between shards. */
function outputName({ state }: ProgramForm, path: string): string {
  const [group, index] = path.split('/');
  return group === 'state' ? `state ${state[Number(index)]!.name}` : path;
}
