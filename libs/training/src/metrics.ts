/** The names of what steps and evaluations report, in order. */
import type { Task } from './task.ts';

/** What an evaluation reports. */
export const evaluationGroups = ({ metricNames }: Pick<Task, 'metricNames'>) => ({
  loss: 'loss',
  metrics: metricNames,
});

/** What a training step reports; `linkMetrics` are those of the optimizer's links. */
export const stepGroups = (task: Pick<Task, 'metricNames'>, linkMetrics: readonly string[]) => ({
  loss: 'loss',
  gradientNorm: 'gradientNorm',
  metrics: task.metricNames,
  linkMetrics,
});
