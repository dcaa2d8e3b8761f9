/** The function that a trained experiment computes, and the arrays of a checkpoint that it takes. */
import { keyTensor, ones, type Tensor, tensor } from '@lockstep/autodiff';
import { treeOfTensors } from '@lockstep/checkpoint';
import { LockstepError } from '@lockstep/errors';
import type { Tensors } from '@lockstep/formats';
import { averagedParams, type TensorTree } from '@lockstep/optim';
import type { Shape } from '@lockstep/tensor';
import type { Experiment, Inputs } from '@lockstep/training';

export interface Variables {
  readonly params: TensorTree;
  readonly state: TensorTree;
}

/** Evaluation draws no random numbers, so any key serves. */
const key = (): Tensor => keyTensor([0, 0]);

/** The parameters and state that evaluations of the run use: the trained ones, or their average. */
export function evaluationVariables(experiment: Experiment, input: Shape, tensors: Tensors): Variables {
  const initial: Variables =
    'model' in experiment
      ? experiment.model.init(key(), input)
      : { params: experiment.init(key()), state: {} };
  const arrays = Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape, dtype }]) => [name, tensor(data, { shape, dtype })]),
  );
  const filled = (group: string, like: TensorTree): TensorTree => treeOfTensors(group, like, arrays);
  const state = filled('state', initial.state);
  if (experiment.evaluateWith !== 'average') return { params: filled('params', initial.params), state };
  const optState = experiment.optimizer.init(initial.params);
  return { params: averagedParams(filled('optimizer', optState)), state };
}

/**
 * The outputs [rows, ..] of a batch. @throws LockstepError `experiment` if the experiment has no function from inputs to
 * outputs.
 */
export function applyExperiment(experiment: Experiment, { params, state }: Variables, batch: Inputs): Tensor {
  if ('model' in experiment) {
    const context = { training: false, key: key(), weights: ones([batch.x.shape[0]!]) };
    return experiment.model.apply(params, state, batch.x, context)[0];
  }
  if (experiment.predict !== undefined) return experiment.predict(params, batch);
  throw new LockstepError(
    'experiment',
    'predict: the experiment has a loss of its own and no function of predictions; add predict: (params, { x }) => outputs to defineExperiment',
    {},
  );
}
