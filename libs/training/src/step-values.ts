/**
 * Values of a training step that the step itself does not keep: what each layer gave, the losses of single samples, and their
 * gradients. They are computed over all shards at once, with the keys, weights and moments of the step, so that they have the
 * bits that the step computed with.
 */
import {
  allReduceSum,
  isUsable,
  jit,
  overShards,
  type Tensor,
  tensor,
  traceProgram,
  valueAndGrad,
  vmap,
} from '@lockstep/autodiff';
import type { LayerOutput } from '@lockstep/nn';
import type { TensorTree } from '@lockstep/optim';
import { createSchedule, type ProgramForm } from '@lockstep/run';
import { sizeOf } from '@lockstep/tensor';
import { flatten, unflatten } from '@lockstep/tree';
import type { Batch } from './experiment.ts';
import { batchOf, formsOf, type StepBatch, type StepOptions, treesOf } from './step-inputs.ts';
import { stepMeans } from './step-means.ts';
import { createTask, type Task, type Variables } from './task.ts';

/** A layer of the model by the path of its parameters, `2/0`. A layer that is applied again has `#2` behind its name. */
export type NamedLayer = Pick<LayerOutput, 'name' | 'kind'>;

export interface ForwardStep {
  /** The loss of each sample, in the order of the shards. [samples] */
  readonly loss: Tensor;
  /** The metrics of each sample. Each [samples] */
  readonly metrics: Readonly<Record<string, Tensor>>;
  /** In the order in which the layers ended. Each output is [samples, ..]. */
  readonly layers: readonly LayerOutput[];
}

/**
 * The forward pass of a training step. Chains of layers are left out: they give what their last layer gives. So is what a layer
 * gives inside of a loop or a branch, where it has no single value.
 *
 * @param wants whether the output of a layer is needed; the default is that all are
 */
export function forwardStep(
  options: StepOptions,
  wants: (layer: NamedLayer) => boolean = () => true,
): ForwardStep {
  const { experiment, dataset, arrays } = options;
  const task = createTask(experiment, dataset);
  let told: readonly NamedLayer[] = [];
  const forward = jit((variables: Variables, batch: StepBatch) =>
    overShardAxis(batch, (columns, weights, key) => {
      const { layers, loss, metrics } = watchedForward(task, variables, columns, { weights, key });
      const wanted = layers.filter(wants);
      told = wanted.map(({ name, kind }) => ({ name, kind }));
      return { loss, metrics, outputs: wanted.map(({ output }) => output) };
    }),
  );
  const { loss, metrics, outputs } = forward(treesOf(task, arrays), batchOf(options));
  const take = (x: Tensor): Tensor => samplesOf(x, numSamplesAt(options));
  return {
    loss: take(loss),
    metrics: Object.fromEntries(task.metricNames.map((name, i) => [name, take(metrics[i]!)])),
    layers: told.map((layer, i) => ({ ...layer, output: take(outputs[i]!) })),
  };
}

/** The layers of an experiment's model, as {@link forwardStep} names them. Computes nothing. */
export function namedLayers(options: Pick<StepOptions, 'experiment' | 'dataset' | 'config'>): NamedLayer[] {
  const { experiment, dataset } = options;
  const task = createTask(experiment, dataset);
  const { params, state } = formsOf(task);
  const { columns, weights, keys } = batchOf({ ...options, step: 1 });
  const names = Object.keys(columns);
  const numModel = params.variables.length + state.variables.length;
  let found: NamedLayer[] = [];
  traceProgram(
    (...inputs) => {
      const batch = inputs.slice(numModel);
      const variables = {
        params: unflatten(params.structure, inputs.slice(0, params.variables.length)),
        state: unflatten(state.structure, inputs.slice(params.variables.length, numModel)),
      };
      const own = Object.fromEntries(names.map((name, i) => [name, batch[i]!])) as Batch;
      const [w, k] = batch.slice(-2) as [Tensor, Tensor];
      const results = overShardAxis({ columns: own, weights: w, keys: k }, (each, weight, key) => {
        const { layers, loss } = watchedForward(task, variables, each, { weights: weight, key });
        found = layers.map(({ name, kind }) => ({ name, kind }));
        return loss;
      });
      return [results];
    },
    [...params.variables, ...state.variables, ...Object.values(columns), weights, keys].map(
      ({ dtype, shape }) => ({ dtype, shape }),
    ),
  );
  return found;
}

/**
 * The gradient of the loss of one sample alone, `place` in the order of the shards, by parameter. Where the model has moments of
 * the batch, the loss of a sample depends on the others through them, and so does its gradient. The mean over all samples is the
 * gradient of the step without the penalty.
 */
export function sampleGradient(options: StepOptions, place: number): Tensor[] {
  const { experiment, dataset, arrays } = options;
  const task = createTask(experiment, dataset);
  const batch = batchOf(options);
  const chosen = new Float32Array(batch.weights.size);
  chosen[place] = 1;
  const gradient = jit(({ params, state }: Variables, { columns, weights, keys }: StepBatch, mask: Tensor) =>
    overShards(
      (each: Batch, weight: Tensor, key: Tensor, own: Tensor) => {
        const loss = (p: TensorTree): Tensor =>
          task
            .forward({ params: p, state }, each, { training: true, key, weights: weight })
            .loss.mul(own)
            .sum();
        return flatten(valueAndGrad(loss)(params)[1]).leaves.map(allReduceSum);
      },
      [0, 0, 0, 0],
      () => 'the gradient of a sample',
    )(columns, weights, keys, mask),
  );
  return gradient(treesOf(task, arrays), batch, tensor(chosen, { shape: batch.weights.shape }));
}

/** The gradient that the optimizer got, by parameter: `gradientSums` and `sums` as the shards have reduced them. */
export function stepGradients(
  { experiment, dataset, arrays }: Omit<StepOptions, 'step'>,
  form: Pick<ProgramForm, 'evaluationMetrics'>,
  { gradientSums, sums }: { readonly gradientSums: readonly Tensor[]; readonly sums: Tensor },
): Tensor[] {
  const task = createTask(experiment, dataset);
  const { params } = treesOf(task, arrays);
  const { structure } = formsOf(task).params;
  const compute = jit(
    (at: TensorTree, gradients: TensorTree, vector: Tensor) =>
      flatten(stepMeans(task, form, at, { gradients, sums: vector }).grads).leaves as Tensor[],
  );
  return compute(params, unflatten(structure, gradientSums), sums);
}

/** `f` for each shard. Values that cross shards do so as in the step; all results have the axis of the shards in front. */
const overShardAxis = <Out>(
  { columns, weights, keys }: StepBatch,
  f: (columns: Batch, weights: Tensor, key: Tensor) => Out,
): Out => vmap(f, { axisName: 'shard' })(columns, weights, keys) as Out;

/** The forward pass of one shard, with what its layers gave. */
function watchedForward(
  task: Task,
  variables: Variables,
  columns: Batch,
  context: { readonly weights: Tensor; readonly key: Tensor },
) {
  const seen: LayerOutput[] = [];
  const onLayer = (given: LayerOutput): void => {
    if (given.kind !== 'sequential') seen.push(given);
  };
  const { loss, metrics } = task.forward(variables, columns, { training: true, ...context, onLayer });
  return { loss, metrics, layers: numbered(seen.filter(({ output }) => isUsable(output))) };
}

/** Layers that are applied several times, told apart. */
function numbered(layers: readonly LayerOutput[]): LayerOutput[] {
  const counts = new Map<string, number>();
  return layers.map((layer) => {
    const count = (counts.get(layer.name) ?? 0) + 1;
    counts.set(layer.name, count);
    return count === 1 ? layer : { ...layer, name: `${layer.name}#${count}` };
  });
}

const numSamplesAt = ({ dataset, config, step }: StepOptions): number =>
  createSchedule(config, dataset.splits.train.size, false).samplesAt(step);

/** The samples of [shards, rows, ..] without the rows that pad the shards, which come last: [samples, ..]. */
function samplesOf({ data, dtype, shape }: Tensor, numSamples: number): Tensor {
  const row = shape.slice(2);
  return tensor(data.slice(0, numSamples * sizeOf(row)), { dtype, shape: [numSamples, ...row] });
}
