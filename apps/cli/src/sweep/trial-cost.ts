/** What the model of a trial costs, before it is trained: a function of the assignment and the form of the data. */
import { createDatasetCache } from '@lockstep/data';
import { createSchedule, placed } from '@lockstep/run';
import { costMetrics, type Sweep } from '@lockstep/sweep';
import { sizeOf } from '@lockstep/tensor';
import { compilePrograms } from '@lockstep/training';
import type { SweepExperiment } from './sweep-file.ts';
import type { ResolvedTrial } from './trial-config.ts';

/** Values of metrics by their names. */
export type Costs = Readonly<Record<string, number>>;

export interface CostCounter {
  /** Empty in a sweep that asks for no costs. Throws what the experiment says of these parameters. */
  costsOf(run: ResolvedTrial): Promise<Costs>;
  /** Why a trial of these costs is not trained; undefined if it is. */
  refusal(costs: Costs): string | undefined;
}

/** Data are loaded once, by the process of the sweep, and only if costs matter. */
export function createCostCounter(
  { objectives, limits }: Sweep,
  { bundle, hash, project }: Pick<SweepExperiment, 'bundle' | 'hash' | 'project'>,
): CostCounter {
  const names: readonly string[] = Object.values(costMetrics);
  const isAsked = limits !== undefined || objectives.some(({ metric }) => names.includes(metric));
  const datasets = createDatasetCache();
  return {
    async costsOf({ experiment, config }) {
      if (!isAsked) return {};
      const dataset = await datasets.load(experiment.data, config.limitSamples);
      const { totalSteps } = createSchedule(config, dataset.splits.train.size, false);
      return placed(
        { bundle, hash, root: project.root },
        () => undefined,
        () => {
          const { params, shardFlops } = compilePrograms(experiment, dataset, config, totalSteps);
          const parameters = params.reduce((total, { shape }) => total + sizeOf(shape), 0);
          return { [costMetrics.parameters]: parameters, [costMetrics.flops]: shardFlops * config.numShards };
        },
      );
    },
    refusal(costs) {
      const over = (['parameters', 'flops'] as const).find(
        (name) => (costs[costMetrics[name]] ?? 0) > (limits?.[name] ?? Number.POSITIVE_INFINITY),
      );
      if (over === undefined) return undefined;
      return `${costMetrics[over]} is ${costs[costMetrics[over]]}, and the limit is ${limits![over]}`;
    },
  };
}
