/** The means of a step, from the sums over its samples. */
import { type Tensor, valueAndGrad } from '@lockstep/autodiff';
import type { TensorTree } from '@lockstep/optim';
import { type ProgramForm, placesOf, sumGroups, unpack } from '@lockstep/run';
import { map } from '@lockstep/tree';
import { evaluationGroups } from './metrics.ts';
import type { Task } from './task.ts';

export interface StepMeans {
  /** The number of samples. [] */
  readonly samples: Tensor;
  /** With the penalty. [] */
  readonly loss: Tensor;
  /** What the optimizer gets: the mean gradient, with the penalty's. */
  readonly grads: TensorTree;
}

/** Divides the sums once and adds the penalty. `sums` has the columns of `sumGroups`. */
export function stepMeans(
  task: Task,
  form: Pick<ProgramForm, 'evaluationMetrics'>,
  params: TensorTree,
  { gradients, sums }: { readonly gradients: TensorTree; readonly sums: Tensor },
): StepMeans {
  const columns = placesOf(sumGroups(form));
  const samples = sums.at(columns.samples);
  const grads = map((gradient: Tensor) => gradient.div(samples), gradients);
  const loss = sums.at(unpack(evaluationGroups(task), columns.metrics).loss).div(samples);
  if (task.penalty === undefined) return { samples, loss, grads };
  const [value, slope] = valueAndGrad(task.penalty)(params);
  return {
    samples,
    loss: loss.add(value),
    grads: map((gradient: Tensor, other: Tensor) => gradient.add(other), grads, slope),
  };
}
