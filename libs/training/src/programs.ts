/**
 * The compiled programs of a run. The shard program computes sums of gradients, loss and metrics over a block of
 * shards. Exchanges cut it into segments; they reduce values across shards along the tree. The update program divides
 * once, adds the penalty's gradient and applies the optimizer: it alone sees the global gradient.
 */
import { type Plan, programFlops } from '@lockstep/autodiff';
import { type Dataset, rowsPerShard } from '@lockstep/data';
import { LockstepError, ofField } from '@lockstep/errors';
import { skipsNonFinite, stepMetricsOf } from '@lockstep/optim';
import {
  initInputs,
  itemsOf,
  type ProgramForm,
  type Programs,
  pack,
  type RunConfig,
  replicaGroups,
  unpack,
  type Variable,
} from '@lockstep/run';
import { flatten } from '@lockstep/tree';
import { explained } from './asked.ts';
import { planEvaluation, planShard } from './block-programs.ts';
import { evaluatedOf } from './evaluated.ts';
import type { Experiment } from './experiment.ts';
import { checkLabels } from './label-check.ts';
import { evaluationGroups, stepGroups } from './metrics.ts';
import { noCache, type PlanCache } from './plan-cache.ts';
import { planPure } from './pure.ts';
import { checkRowsIndependent } from './row-check.ts';
import { createTask, type Task } from './task.ts';
import { formOf, type Trees, variablesOf } from './trees.ts';
import { planUpdate } from './update-program.ts';

export interface CompileOptions {
  /** What earlier compilations have left. Default: nothing. */
  readonly cache?: PlanCache | undefined;
}

export function compilePrograms(
  experiment: Experiment,
  dataset: Dataset,
  config: RunConfig,
  totalSteps: number,
  { cache = noCache }: CompileOptions = {},
): Programs {
  ofField(['earlyStopping'], () => checkStopping(experiment, dataset));
  const task = createTask(experiment, dataset);
  const { init, trees, linkMetrics, skips } = ofField(['model' in experiment ? 'model' : 'init'], () =>
    compileInit(cache, task),
  );
  checkLabels(cache, task, dataset, 'model' in experiment ? experiment.model : undefined);
  checkRowsIndependent({ cache, task, dataset, trees, initHash: init.hash });
  const { evaluated, paramsOf } = ofField(['evaluateWith'], () =>
    evaluatedOf(trees, experiment.evaluateWith),
  );
  const form: ProgramForm = {
    ...variablesOf(trees),
    columns: columnsOf(dataset),
    rowsPerShard: rowsPerShard(config.batchSize, config.numShards),
    stepMetrics: itemsOf(stepGroups(task, linkMetrics)),
    evaluationMetrics: itemsOf(evaluationGroups(task)),
    evaluated,
    hasPenalty: task.penalty !== undefined,
    skipsNonFinite: skips,
  };
  const parts = { cache, task, trees, form };
  const shard = memoize((numShards) => ofField(['loss'], () => planShard(parts, numShards)));
  return {
    ...form,
    ...{ init, shard },
    get shardFlops() {
      return programFlops(shard(1).program);
    },
    evaluation: memoize((numShards) => ofField(['model'], () => planEvaluation(parts, paramsOf, numShards))),
    update: ofField(['optimizer'], () => planUpdate(parts, linkMetrics, totalSteps)),
  };
}

const columnsOf = ({ splits }: Dataset): readonly Variable[] =>
  Object.values(splits.train.fields)
    .map(({ name, dtype, shape }): Variable => ({ name, dtype, shape }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** @throws LockstepError `config` if early stopping waits for evaluations that will not happen. */
function checkStopping({ earlyStopping }: Experiment, { name, splits }: Dataset): void {
  if (earlyStopping === undefined || splits.validation !== undefined) return;
  throw new LockstepError(
    'config',
    `earlyStopping watches ${earlyStopping.metric}, but '${name}' has no validation split and nothing would stop the run; give the data a split such as { validation: 0.1 }, or leave earlyStopping out`,
    { metric: earlyStopping.metric, dataset: name },
  );
}

interface CompiledInit {
  readonly init: Plan;
  readonly trees: Trees;
  /** Names of what the optimizer's links report. */
  readonly linkMetrics: readonly string[];
  /** Whether the optimizer leaves out steps whose gradient is not finite. */
  readonly skips: boolean;
}

/** Initialisation is a program too; what it returns determines the form of parameters, state and optimizer state. */
function compileInit(cache: PlanCache, task: Task): CompiledInit {
  let found: Omit<CompiledInit, 'init'> | undefined;
  const init = planPure(
    cache,
    (...inputs) => {
      const { params, state } = task.init(unpack(initInputs, inputs).key);
      const optState = ofField(['optimizer'], () => explained(() => task.optimizer.init(params)));
      const linkMetrics = ofField(['optimizer'], () => linkMetricNames(optState, task));
      const trees = { params: formOf(params), state: formOf(state), optState: formOf(optState) };
      found = { trees, linkMetrics, skips: skipsNonFinite(optState) };
      return pack(replicaGroups(variablesOf(trees)), {
        params: flatten(params).leaves,
        state: flatten(state).leaves,
        optState: flatten(optState).leaves,
      });
    },
    itemsOf(initInputs),
    { outputs: 'given' },
  );
  requireFloat32(found!.trees.params.variables);
  return { init, ...found! };
}

function linkMetricNames(optState: unknown, task: Task): string[] {
  const names = Object.keys(stepMetricsOf(optState));
  const taken = names.find((name) => itemsOf(stepGroups(task, [])).includes(name));
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
