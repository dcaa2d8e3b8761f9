/** An experiment as the functions the trainer needs, whichever form it was written in. */
import { foldIn, Tensor } from '@lockstep/autodiff';
import type { Dataset, Split } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import type { GradientTransformation } from '@lockstep/optim';
import { formatShape } from '@lockstep/tensor';
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
  return 'model' in experiment
    ? modelTask(experiment, dataset.splits.train)
    : functionTask(experiment as FunctionExperiment<unknown>);
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
      const { params, state } = model.init(key, input);
      return { params, state };
    },
    forward({ params, state }, batch, { training, key, weights }) {
      const { x, y } = batch;
      const [outputs, next] = model.apply(params, state, x, {
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
