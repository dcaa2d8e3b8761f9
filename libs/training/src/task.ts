/** An experiment of either form as the functions that the trainer needs. */
import { foldIn, stopGradient, Tensor } from '@lockstep/autodiff';
import type { Dataset, Split } from '@lockstep/data';
import { describeValue, LockstepError, ofField } from '@lockstep/errors';
import { applied, initialize, type LayerOutput, watchLayers } from '@lockstep/nn';
import type { GradientTransformation, TensorTree } from '@lockstep/optim';
import { formatShape } from '@lockstep/tensor';
import { frozenLeaves, map } from '@lockstep/tree';
import { askedOf, explained } from './asked.ts';
import type { Batch, Experiment, FunctionExperiment, ModelExperiment } from './experiment.ts';

export interface Variables {
  readonly params: TensorTree;
  readonly state: TensorTree;
}

export interface ForwardContext {
  readonly training: boolean;
  /** The key of this step and shard. uint32 [2] */
  readonly key: Tensor;
  /** [rows]; 0 for rows that only pad the shard. */
  readonly weights: Tensor;
  /** Called with the output of each layer. */
  readonly onLayer?: (given: LayerOutput) => void;
}

export interface Forward {
  /** One value per sample. [rows] */
  readonly loss: Tensor;
  /** Each [rows], in the order of `metricNames`. */
  readonly metrics: readonly Tensor[];
  readonly state: TensorTree;
}

export interface Task {
  readonly metricNames: readonly string[];
  readonly optimizer: GradientTransformation;
  /** Initial parameters and state from the key of the run's initialisation. */
  init(key: Tensor): Variables;
  forward(variables: Variables, batch: Batch, context: ForwardContext): Forward;
  readonly penalty: ((params: TensorTree) => Tensor) | undefined;
}

export function createTask(experiment: Experiment, dataset: Dataset): Task {
  ofField(['optimizer'], () => requireDescent(experiment.optimizer));
  return withConstants(
    'model' in experiment
      ? modelTask(experiment, dataset.splits.train)
      : functionTask(experiment as FunctionExperiment<unknown>),
  );
}

/** An optimizer that returns gradients would climb, as its result is added to the parameters. */
function requireDescent({ role }: GradientTransformation): void {
  if (role?.gives !== 'gradients') return;
  throw new LockstepError(
    'experiment',
    'the optimizer returns gradients, and adding gradients to the parameters goes uphill; end the chain with scaleByLearningRate(rate), or with an optimizer such as adam(1e-3)',
    {},
  );
}

/** The task whose loss, metrics and penalty see frozen parameters as constants. */
function withConstants(task: Task): Task {
  const still = (params: TensorTree): TensorTree => {
    const isFrozen = frozenLeaves(params).values();
    return map((leaf: Tensor) => (isFrozen.next().value ? stopGradient(leaf) : leaf), params);
  };
  const { penalty } = task;
  return {
    ...task,
    penalty:
      penalty &&
      ((params) => ofField(['penalty'], () => explained(() => one('penalty', penalty(still(params)))))),
    forward: ({ params, state }, batch, context) =>
      task.forward({ params: still(params), state }, batch, context),
  };
}

function modelTask(experiment: ModelExperiment, train: Split): Task {
  const { model, loss, metrics = {} } = experiment;
  const input = ofField(['data'], () => {
    const shape = fieldShape(train, 'x');
    fieldShape(train, 'y');
    return shape;
  });
  const metricNames = Object.keys(metrics).sort();
  return {
    metricNames,
    optimizer: experiment.optimizer,
    penalty: experiment.penalty,
    init(key) {
      const { params, state } = ofField(['model'], () => explained(() => initialize(model, key, input)));
      return { params, state };
    },
    forward({ params, state }, batch, { training, key, weights, onLayer }) {
      const { x, y } = batch;
      const context = { training, key: foldIn(key, 'model'), weights };
      const apply = () => applied(model, params, state, x, context);
      const [outputs, next] = ofField(['model'], () =>
        explained(onLayer === undefined ? apply : () => watchLayers(onLayer, apply)),
      );
      return {
        ...measured(metricNames, batch, weights, {
          loss: (columns) => loss(outputs, y, columns),
          metric: (name, columns) => metrics[name]!(outputs, y, columns),
        }),
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
    init(key) {
      const params = ofField(['init'], () => explained(() => init(key)));
      return { params: params as TensorTree, state: {} };
    },
    forward: ({ params, state }, batch, { key, weights, onLayer }) => ({
      ...measured(metricNames, batch, weights, {
        loss: (columns) => {
          const apply = () => loss(params, columns, key);
          return onLayer === undefined ? apply() : watchLayers(onLayer, apply, params);
        },
        metric: (name, columns) => metrics[name]!(params, columns),
      }),
      state,
    }),
  };
}

/** The loss and the metrics of a batch, one value per sample each. */
function measured(
  metricNames: readonly string[],
  batch: Batch,
  weights: Tensor,
  { loss, metric }: { loss(batch: Batch): unknown; metric(name: string, batch: Batch): unknown },
): Pick<Forward, 'loss' | 'metrics'> {
  const measure = (field: readonly string[], what: string, f: (batch: Batch) => unknown): Tensor =>
    ofField(field, () => {
      const { columns, missing } = askedOf(batch);
      return explained(() => perSample(what, f(columns), weights), missing);
    });
  return {
    loss: measure(['loss'], 'loss', loss),
    metrics: metricNames.map((name) =>
      measure(['metrics', name], `metric ${name}`, (columns) => metric(name, columns)),
    ),
  };
}

function fieldShape({ fields }: Split, name: string): readonly number[] {
  const field = fields[name];
  if (field === undefined) {
    throw new LockstepError(
      'experiment',
      `the data have no column '${name}'; their columns are ${Object.keys(fields).join(', ')}; a model reads its input from x and its labels from y`,
      { name, fields: Object.keys(fields) },
    );
  }
  return field.shape;
}

/** Requires one number: the penalty is added to the loss. */
function one(what: string, value: unknown): Tensor {
  if (value instanceof Tensor && value.rank === 0) return value;
  const came = value instanceof Tensor ? formatShape(value.shape) : described(value);
  throw new LockstepError(
    'shape',
    `${what}: must give one number, a tensor of shape [], not ${came}; add up its elements, as with sum(…)`,
    { what, ...(value instanceof Tensor && { shape: value.shape }) },
  );
}

const described = (value: unknown): string =>
  typeof value === 'function' ? 'a function; is a call missing, as in f()?' : describeValue(value);

/** Requires one value per sample: a scalar loss would average over rows that only pad the shard. */
function perSample(what: string, values: unknown, weights: Tensor): Tensor {
  if (!(values instanceof Tensor)) {
    throw new LockstepError(
      'experiment',
      `${what}: must give a tensor of one value a sample, not ${described(values)}`,
      { what },
    );
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
