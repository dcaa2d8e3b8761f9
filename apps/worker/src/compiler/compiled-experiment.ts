/** An experiment as data, and what may be asked of it later. */
import type { Dataset } from '@lockstep/data';
import { createSchedule, exportPrograms, type RunConfig } from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import {
  compilePrograms,
  type Experiment,
  hashesOf,
  type PlanCache,
  searchNonFinite,
} from '@lockstep/training';
import type { Compiled, Plans, SearchResult } from './messages.ts';

export interface CompiledExperiment {
  readonly compiled: Compiled;
  plan(sizes: readonly number[]): Plans;
  search(step: number, arrays: readonly TypedArray[]): SearchResult;
}

export interface CompileOptions {
  /** Runs what may throw errors of the experiment's own functions. */
  readonly within?: <T>(work: () => T) => T;
  readonly cache?: PlanCache;
}

export function compileExperiment(
  experiment: Experiment,
  dataset: Dataset,
  config: RunConfig,
  { within = (work) => work(), cache }: CompileOptions = {},
): CompiledExperiment {
  const { train, validation } = dataset.splits;
  const { totalSteps } = createSchedule(config, train.size, validation !== undefined);
  const programs = within(() => compilePrograms(experiment, dataset, config, totalSteps, { cache }));
  const plans = (sizes: readonly number[]) => within(() => exportPrograms(programs, sizes));
  const { earlyStopping } = experiment;
  return {
    // Blocks of one shard exist for every model: a mistake in it ends the run here, before its first step.
    compiled: { dataset, programs: plans([1]), earlyStopping, hashes: hashesOf(programs, earlyStopping) },
    plan(sizes) {
      const { shardPlans, evaluationPlans } = plans(sizes);
      return { shardPlans, evaluationPlans };
    },
    search: (step, arrays) => toResult(searchNonFinite({ experiment, dataset, config, step, arrays })),
  };
}

function toResult(result: ReturnType<typeof searchNonFinite>): SearchResult {
  if (result === undefined) {
    return {
      message: 'every shard and the penalty are finite by themselves; their sum over the step is not',
    };
  }
  const { shard, found } = result;
  const where = shard === undefined ? 'in the penalty' : `in shard ${shard}`;
  return { message: `${where}, ${found.message}`, ...(found.site !== undefined && { site: found.site }) };
}
