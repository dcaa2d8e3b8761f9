/**
 * The compiled programs of a run. The shard program computes, for a block of shards, sums of gradients, loss and
 * metrics; whatever crosses shards is reduced along the tree, in exchanges that cut it into segments. The update
 * program divides once, adds the penalty's gradient and applies the optimizer: it alone sees the global gradient.
 */
import {
  type Aval,
  allReduceSum,
  overShards,
  type Plan,
  stack,
  sum,
  type Tensor,
  valueAndGrad,
  valueAndGradWithAux,
} from '@lockstep/autodiff';
import { type Dataset, rowsPerShard } from '@lockstep/data';
import { LockstepError, ofField } from '@lockstep/errors';
import { applyUpdates, globalNorm, skipsNonFinite, stepMetricsOf } from '@lockstep/optim';
import { guarded, type Programs, type RunConfig, type Variable } from '@lockstep/run';
import { flatten, map, unflatten } from '@lockstep/tree';
import { explained } from './asked.ts';
import { asTheyAre, type Evaluated, evaluatedOf } from './evaluated.ts';
import type { Batch, Experiment } from './experiment.ts';
import { checkLabels } from './label-check.ts';
import { planPure } from './pure.ts';
import { checkRowsIndependent } from './row-check.ts';
import { createTask, type Task } from './task.ts';
import { formOf, leavesLike, type Trees } from './trees.ts';

export function compilePrograms(
  experiment: Experiment,
  dataset: Dataset,
  config: RunConfig,
  totalSteps: number,
): Programs {
  ofField(['earlyStopping'], () => checkStopping(experiment, dataset));
  const task = createTask(experiment, dataset);
  const { init, trees } = ofField(['model' in experiment ? 'model' : 'init'], () => compileInit(task));
  checkLabels(task, dataset, 'model' in experiment ? experiment.model : undefined);
  checkRowsIndependent(task, dataset);
  const columns = Object.values(dataset.splits.train.fields)
    .map(({ name, dtype, shape }): Variable => ({ name, dtype, shape }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const rows = rowsPerShard(config.batchSize, config.numShards);
  const evaluated = ofField(['evaluateWith'], () => evaluatedOf(trees, experiment.evaluateWith));
  const builder = new ProgramBuilder(task, trees, evaluated, columns, rows, totalSteps);
  return {
    params: trees.params.variables,
    state: trees.state.variables,
    optState: trees.optState.variables,
    columns,
    rowsPerShard: rows,
    stepMetrics: [...ownMetrics, ...task.metricNames, ...trees.linkMetrics],
    evaluationMetrics: ['loss', ...task.metricNames],
    shard: memoize((numShards) => ofField(['loss'], () => builder.shard(numShards))),
    evaluation: memoize((numShards) => ofField(['model'], () => builder.evaluation(numShards))),
    evaluated: evaluated.indices,
    update: ofField(['optimizer'], () => builder.update()),
    numGuarded: builder.numGuarded,
    skipsNonFinite: trees.skipsNonFinite,
    init,
  };
}

/** @throws LockstepError `config` if early stopping waits for evaluations that there will not be. */
function checkStopping({ earlyStopping }: Experiment, { name, splits }: Dataset): void {
  if (earlyStopping === undefined || splits.validation !== undefined) return;
  throw new LockstepError(
    'config',
    `earlyStopping watches ${earlyStopping.metric}, but '${name}' has no validation split and nothing would stop the run; give the data a split such as { validation: 0.1 }, or leave earlyStopping out`,
    { metric: earlyStopping.metric, dataset: name },
  );
}

/** The step metrics that every run has. */
const ownMetrics = ['loss', 'gradientNorm'] as const;

/** Initialisation is a program too: what it makes tells the form of parameters, state and optimizer state. */
function compileInit(task: Task): { init: Plan; trees: Trees } {
  let trees: Trees | undefined;
  const init = planPure(
    (key) => {
      const { params, state } = task.init(key!);
      const optState = ofField(['optimizer'], () => explained(() => task.optimizer.init(params as never)));
      const flat = [params, state, optState].map((tree) => flatten(tree as never).leaves as Tensor[]);
      const linkMetrics = ofField(['optimizer'], () => linkMetricNames(optState, task));
      trees = {
        ...{ params: formOf(params), state: formOf(state), optState: formOf(optState) },
        ...{ linkMetrics, skipsNonFinite: skipsNonFinite(optState) },
      };
      return flat.flat();
    },
    [{ dtype: 'uint32', shape: [2] }],
    { outputs: 'given' },
  );
  requireFloat32(trees!.params.variables);
  return { init, trees: trees! };
}

function linkMetricNames(optState: unknown, task: Task): string[] {
  const names = Object.keys(stepMetricsOf(optState));
  const taken = names.find((name) => [...ownMetrics, ...task.metricNames].includes(name));
  if (taken === undefined) return names;
  throw new LockstepError(
    'experiment',
    `a link of the optimizer reports a step metric '${taken}', and so does the experiment; give one of them another name`,
    { name: taken },
  );
}

function requireFloat32(params: readonly Variable[]): void {
  const other = params.find(({ dtype }) => dtype !== 'float32');
  if (other !== undefined) {
    throw new LockstepError(
      'dtype',
      `parameter ${other.name} is ${other.dtype}; parameters are float32: make it with zeros(…) or normal(…), or .cast('float32')`,
      { name: other.name, dtype: other.dtype },
    );
  }
}

function memoize(make: (numShards: number) => Plan): (numShards: number) => Plan {
  const made = new Map<number, Plan>();
  return (numShards) => {
    let plan = made.get(numShards);
    if (plan === undefined) {
      plan = make(numShards);
      made.set(numShards, plan);
    }
    return plan;
  };
}

class ProgramBuilder {
  private readonly task: Task;
  private readonly trees: Trees;
  private readonly evaluated: Evaluated;
  private readonly columns: readonly Variable[];
  private readonly rows: number;
  private readonly totalSteps: number;

  constructor(
    task: Task,
    trees: Trees,
    evaluated: Evaluated,
    columns: readonly Variable[],
    rows: number,
    totalSteps: number,
  ) {
    this.task = task;
    this.trees = trees;
    this.evaluated = evaluated;
    this.columns = columns;
    this.rows = rows;
    this.totalSteps = totalSteps;
  }

  /** A penalty's gradient is in no sums that could be looked at, so that the guard says of it whether it is finite. */
  get numGuarded(): number {
    return this.task.penalty === undefined ? guarded.length - 1 : guarded.length;
  }

  shard(numShards: number): Plan {
    const { task } = this;
    return this.overBlock(numShards, asTheyAre, (params, state, batch, weights, key) => {
      const summedLoss = (p: unknown): readonly [Tensor, { sums: Tensor; state: unknown }] => {
        const out = task.forward({ params: p, state }, batch, { training: true, key, weights });
        const sums = [out.loss, ...out.metrics].map((values) => sum(values.mul(weights)));
        return [sums[0]!, { sums: stack([...sums, sum(weights)]), state: out.state }];
      };
      const [[, aux], grads] = valueAndGradWithAux(summedLoss)(params as never);
      const gradSums = (flatten(grads as never).leaves as Tensor[]).map(allReduceSum);
      const sums = allReduceSum(aux.sums);
      return { gradSums, state: leavesLike(this.trees.state, aux.state), sums };
    });
  }

  evaluation(numShards: number): Plan {
    const plan = this.overBlock(numShards, this.evaluated, (params, state, batch, weights, key) => {
      const out = this.task.forward({ params, state }, batch, { training: false, key, weights });
      const sums = [out.loss, ...out.metrics].map((values) => sum(values.mul(weights)));
      return { sums: allReduceSum(stack([...sums, sum(weights)])) };
    });
    if (plan.exchanges.length !== 1) {
      throw new LockstepError(
        'experiment',
        'the model reduces over the batch in evaluation; use statistics of the training run there, as batchNorm does',
        { numExchanges: plan.exchanges.length },
      );
    }
    return plan;
  }

  update(): Plan {
    const { task, trees } = this;
    const program = (...inputs: Tensor[]): Tensor[] => {
      const [params, opt, grads, [sums, step]] = split(inputs, [
        trees.params.variables.length,
        trees.optState.variables.length,
        trees.params.variables.length,
        2,
      ]) as [Tensor[], Tensor[], Tensor[], [Tensor, Tensor]];
      const count = sums.at(-1);
      const tree = unflatten(trees.params.structure, params) as never;
      let gradients = unflatten(
        trees.params.structure,
        grads.map((g) => g.div(count)),
      ) as never;
      let loss = sums.at(0).div(count);
      if (task.penalty !== undefined) {
        const [value, slope] = valueAndGrad(task.penalty as (p: never) => Tensor)(tree);
        loss = loss.add(value);
        gradients = map((g: Tensor, s: Tensor) => g.add(s), gradients, slope as never) as never;
      }
      const progress = { step, totalSteps: this.totalSteps, loss, samples: count };
      const optState = unflatten(trees.optState.structure, opt) as never;
      const [updates, nextOpt] = explained(() => task.optimizer.update(gradients, optState, tree, progress));
      const optLeaves = leavesLike(trees.optState, nextOpt);
      const reported = stepMetricsOf(nextOpt);
      const metrics = [
        ...task.metricNames.map((_, i) => sums.at(i + 1).div(count)),
        ...trees.linkMetrics.map((name) => reported[name]!.cast('float32')),
      ];
      const norm = globalNorm(gradients);
      const guard = [loss, norm, ...(task.penalty === undefined ? [] : [zeroIfFinite(gradients)])];
      return [
        ...(flatten(applyUpdates(tree, updates) as never).leaves as Tensor[]),
        ...optLeaves,
        stack(guard),
        stack([loss, norm, ...metrics]),
      ];
    };
    const numSums = task.metricNames.length + 2;
    const moved = [...trees.params.variables, ...trees.optState.variables];
    const avals: Aval[] = [
      ...moved,
      ...trees.params.variables,
      { dtype: 'float32', shape: [numSums] },
      { dtype: 'float32', shape: [] },
    ];
    const ahead = moved.length;
    return planPure(program, avals, { outputs: 'given', numInPlace: moved.length, ahead });
  }

  /** Plans `f`, written for one shard, for a block of shards; its parameters are made of what the replica gives. */
  private overBlock(
    numShards: number,
    { extra, paramsOf }: Pick<Evaluated, 'extra' | 'paramsOf'>,
    f: (
      params: unknown,
      state: unknown,
      batch: Batch,
      weights: Tensor,
      key: Tensor,
    ) => Record<string, unknown>,
  ): Plan {
    const { trees, columns, rows } = this;
    const names = [...trees.params.variables, ...trees.state.variables].map(({ name }) => name);
    const block = overShards(
      f,
      [null, null, 0, 0, 0],
      (leaf) => `result ${leaf} of the loss (${names[leaf] ?? 'state'})`,
    );
    const program = (...inputs: Tensor[]): Tensor[] => {
      const [params, state, more, batch, [weights, keys]] = split(inputs, [
        trees.params.variables.length,
        trees.state.variables.length,
        extra.length,
        columns.length,
        2,
      ]) as [Tensor[], Tensor[], Tensor[], Tensor[], [Tensor, Tensor]];
      const out = block(
        unflatten(trees.params.structure, paramsOf(params, more)) as never,
        unflatten(trees.state.structure, state) as never,
        Object.fromEntries(columns.map(({ name }, i) => [name, batch[i]!])) as never,
        weights as never,
        keys as never,
      );
      const { gradSums = [], state: next = [], sums } = out as Record<string, Tensor[]>;
      return [...gradSums, ...next, sums as unknown as Tensor];
    };
    const lead = [numShards, rows];
    const avals: Aval[] = [
      ...trees.params.variables,
      ...trees.state.variables,
      ...extra,
      ...columns.map(({ dtype, shape }): Aval => ({ dtype, shape: [...lead, ...shape] })),
      { dtype: 'float32', shape: lead },
      { dtype: 'uint32', shape: [numShards, 2] },
    ];
    return planPure(program, avals);
  }
}

/** 0, or NaN where any element is not finite: 0·x is 0 for every finite x. [] */
const zeroIfFinite = (tree: unknown): Tensor =>
  (flatten(tree as never).leaves as Tensor[])
    .map((leaf) => leaf.mul(0).sum())
    .reduce((total, zero) => total.add(zero));

function split<T>(values: readonly T[], counts: readonly number[]): T[][] {
  let next = 0;
  return counts.map((count) => {
    next += count;
    return values.slice(next - count, next);
  });
}
