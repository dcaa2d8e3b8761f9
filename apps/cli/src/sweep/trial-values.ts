/** The values of a run's objectives: from its evaluations, from the one at a rung, and from its costs. */
import { LockstepError } from '@lockstep/errors';
import type { OpaqueRecord } from '@lockstep/protocol';
import { type Evaluation, type Objective, objectiveValue } from '@lockstep/search';
import type { RunResult } from '@lockstep/sweep';
import { readLog } from '@lockstep/tracking';
import type { Costs } from './trial-cost.ts';

/** The result of values by metric: a value that is not finite is the trial's failure. */
export function resultOf(
  objectives: readonly Objective[],
  valueFor: (objective: Objective) => number,
  steps: number,
): RunResult {
  const values = objectives.map(valueFor);
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) return { reason: `${objectives[wrong]!.metric} is ${values[wrong]}` };
  return { values, steps };
}

/** Of the evaluation where a run has paused. */
export function valueAtPause({ metric }: Objective, costs: Costs, result: OpaqueRecord): number {
  const metrics = { ...(Object(result.metrics) as Record<string, unknown>), ...costs };
  if (Object.hasOwn(metrics, metric)) return Number(metrics[metric]);
  throw unknownMetric(metric, Object.keys(metrics));
}

/** Of a run that has ended, by its logs. */
export async function valuesOfLogs(
  objectives: readonly Objective[],
  costs: Costs,
  folder: string,
): Promise<ReadonlyMap<string, number>> {
  const logged = await evaluationsOf(folder);
  const valueFor = (objective: Objective): number => {
    const { metric } = objective;
    if (Object.hasOwn(costs, metric)) return costs[metric]!;
    const values = logged.get(metric);
    if (values === undefined) throw unknownMetric(metric, [...logged.keys(), ...Object.keys(costs)]);
    return objectiveValue(objective, values);
  };
  return new Map(objectives.map((objective) => [objective.metric, valueFor(objective)]));
}

/** By metric, one for each step: a run that went on after a stop may have logged one twice, with the same value. */
async function evaluationsOf(folder: string): Promise<ReadonlyMap<string, readonly Evaluation[]>> {
  const { records } = await readLog(folder, 'metrics');
  const byMetric = new Map<string, Map<number, number>>();
  for (const { kind, step, metrics } of records) {
    if (kind !== 'evaluation' || typeof step !== 'number') continue;
    for (const [name, value] of Object.entries(Object(metrics) as Record<string, unknown>)) {
      const values = byMetric.get(name) ?? new Map<number, number>();
      // Values that are not finite are logged as text.
      byMetric.set(name, values.set(step, Number(value)));
    }
  }
  const sorted = (values: ReadonlyMap<number, number>): readonly Evaluation[] =>
    [...values].map(([step, value]) => ({ step, value })).sort((a, b) => a.step - b.step);
  return new Map([...byMetric].map(([name, values]) => [name, sorted(values)]));
}

function unknownMetric(metric: string, known: readonly string[]): LockstepError {
  const names = [...known].sort();
  return new LockstepError(
    'config',
    `the runs have no metric '${metric}'; their evaluations have ${names.join(', ') || 'none'}`,
    { metric, names },
  );
}
