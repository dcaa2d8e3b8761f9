/** An experiment as the functions the trainer needs, whichever form it was written in. */
import { foldIn, stopGradient, Tensor } from '@lockstep/autodiff';
import type { Dataset, Split } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { applied, initialize } from '@lockstep/nn';
import type { GradientTransformation, TensorTree } from '@lockstep/optim';
import { formatShape } from '@lockstep/tensor';
import { frozenLeaves, map } from '@lockstep/tree';
import type { Batch, Experiment, FunctionExperiment, ModelExperiment } from './experiment.ts';

export interface Variables {
  readonly params: unknown;
  readonly state: unknown;
}

export interface ForwardContext {
  readonly training: boolean;
  /** Of this step and shard. uint32 [2] */
  readonly key: Tensor;
  /** [rows]: 0 for rows that only fill up the shard. */
  readonly weights: Tensor;
}

export interface Forward {
  /** One value a sample. [rows] */
  readonly loss: Tensor;
  /** Each [rows], in the order of `metricNames`. */
  readonly metrics: readonly Tensor[];
  readonly state: unknown;
}

export interface Task {
  readonly metricNames: readonly string[];
  readonly optimizer: GradientTransformation;
  /** From the key of the run's initialisation. */
  init(key: Tensor): Variables;
  forward(variables: Variables, batch: Batch, context: ForwardContext): Forward;
  readonly penalty: ((params: unknown) => Tensor) | undefined;
}

export function createTask(experiment: Experiment, dataset: Dataset): Task {
  requireDescent(experiment.optimizer);
  return withConstants(
    'model' in experiment
      ? modelTask(experiment, dataset.splits.train)
      : functionTask(experiment as FunctionExperiment<unknown>),
  );
}

/** Added to the parameters, gradients would climb. */
function requireDescent({ role }: GradientTransformation): void {
  if (role?.gives !== 'gradients') return;
  throw new LockstepError(
    'experiment',
    'the optimizer hands on gradients, and added to the parameters they go uphill; end the chain with scaleByLearningRate(rate), or with an optimizer such as adam(1e-3)',
    {},
  );
}

/** The task with what is frozen as a constant, to loss, metrics and penalty alike. */
function withConstants(task: Task): Task {
  const still = (params: unknown): unknown => {
    const isFrozen = frozenLeaves(params).values();
    return map((leaf: Tensor) => (isFrozen.next().value ? stopGradient(leaf) : leaf), params as TensorTree);
  };
  const { penalty } = task;
  return {
    ...task,
    penalty: penalty && ((params) => penalty(still(params))),
    forward: ({ params, state }, batch, context) =>
      task.forward({ params: still(params), state }, batch, context),
  };
}

function modelTask(experiment: ModelExperiment, train: Split): Task {
  const { model, loss, metrics = {} } = experiment;
  const input = fieldShape(train, 'x');
  fieldShape(train, 'y');
  const metricNames = Object.keys(metrics).sort();
  return {
    metricNames,
    optimizer: experiment.optimizer,
    penalty: experiment.penalty,
    init(key) {
      const { params, state } = initialize(model, key, input);
      return { params, state };
    },
    forward({ params, state }, batch, { training, key, weights }) {
      const { x, y } = batch;
      const [outputs, next] = applied(model, params, state, x, {
        training,
        key: foldIn(key, 'model'),
        weights,
      });
      return {
        loss: perSample('loss', loss(outputs, y, batch), weights),
        metrics: metricNames.map((name) =>
          perSample(`metric ${name}`, metrics[name]!(outputs, y, batch), weights),
        ),
        state: next,
      };
    },
  };
}

function functionTask(experiment: FunctionExperiment<unknown>): Task {
  const { init, loss, metrics = {} } = experiment;
  const metricNames = Object.keys(metrics).sort();
  return {
    metricNames,
    optimizer: experiment.optimizer,
    penalty: experiment.penalty,
    init: (key) => ({ params: init(key), state: {} }),
    forward: ({ params, state }, batch, { key, weights }) => ({
      loss: perSample('loss', loss(params, batch, key), weights),
      metrics: metricNames.map((name) => perSample(`metric ${name}`, metrics[name]!(params, batch), weights)),
      state,
    }),
  };
}

function fieldShape({ fields }: Split, name: string): readonly number[] {
  const field = fields[name];
  if (field === undefined) {
    throw new LockstepError(
      'experiment',
      `the data have no column '${name}' but ${Object.keys(fields).join(', ')}; a model reads its input from x and its labels from y`,
      { name, fields: Object.keys(fields) },
    );
  }
  return field.shape;
}

/** A scalar loss would average over rows that only fill up a shard, so it is refused. */
function perSample(what: string, values: unknown, weights: Tensor): Tensor {
  if (!(values instanceof Tensor)) {
    const came = typeof values === 'function' ? 'a function; is a call missing, as in f()?' : String(values);
    throw new LockstepError('experiment', `${what}: must give a tensor of one value a sample, not ${came}`, {
      what,
    });
  }
  if (values.rank !== 1 || values.shape[0] !== weights.shape[0]) {
    throw new LockstepError(
      'shape',
      `${what}: must have one value a sample, ${formatShape(weights.shape)}, not ${formatShape(values.shape)}; leave out the mean or sum over the batch: the trainer weights and averages`,
      { what, shape: values.shape, expected: weights.shape },
    );
  }
  return values.cast('float32');
}
