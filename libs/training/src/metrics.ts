/** The names of the metrics that steps and evaluations report, in order. */
import type { Task } from './task.ts';

/** The metrics of an evaluation. */
export const evaluationGroups = ({ metricNames }: Pick<Task, 'metricNames'>) => ({
  loss: 'loss',
  metrics: metricNames,
});

/** The metrics of a training step; `linkMetrics` are those of the optimizer's links. */
export const stepGroups = (task: Pick<Task, 'metricNames'>, linkMetrics: readonly string[]) => ({
  loss: 'loss',
  gradientNorm: 'gradientNorm',
  metrics: task.metricNames,
  linkMetrics,
});
