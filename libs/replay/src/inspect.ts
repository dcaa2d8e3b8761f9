/** Everything that a step of a run computed with and computed, as tensors. */
import { type Tensor, tensor, withProfile } from '@lockstep/autodiff';
import { type DatasetForm, formOfDataset } from '@lockstep/data';
import { aBoolean, aString, LockstepError, type Rules, required, signature, whole } from '@lockstep/errors';
import { placedIn } from '@lockstep/inference';
import type { LayerOutput } from '@lockstep/nn';
import { readRun } from '@lockstep/records';
import type { Variable } from '@lockstep/run';
import { sizeOf, type TypedArray } from '@lockstep/tensor';
import { columnsOf, forwardStep, type StepOptions, sampleGradient, stepGradients } from '@lockstep/training';
import { requireSameData, warningsOf } from './changes.ts';
import { Computation, type ComputedStep } from './computation.ts';
import { isUnder, requireLayer, requireStep } from './inspect-checks.ts';
import { openRecordedRun, type RecordedRun } from './recorded-run.ts';
import { computeUntil, restoreBefore } from './state.ts';
import { epochAt, placeOf, samplesAt, samplingOf } from './step-samples.ts';

export interface InspectOptions {
  /** The step, from 1: it makes state `step` from state `step − 1`. */
  readonly step: number;
  /** A sample of the step, by its index in the training data. Default: all samples of the step. */
  readonly sample?: number;
  /** A layer or a part of the model, by the path of its parameters, such as `2/0`. Default: the whole model. */
  readonly layer?: string;
  /** Whether the gradient of the sample's own loss is computed too. Needs `sample`. Default false. */
  readonly sampleGradient?: boolean;
}

/** Tensors by name. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/** A step. Parameters and layers have the same names: `0/kernel` is the kernel of layer `0`. */
export interface Inspection {
  /** The folder of the run. */
  readonly run: string;
  readonly step: number;
  /** From 1. */
  readonly epoch: number;
  /** The samples by their indices in the training data, in the order of the shards. int32 [samples] */
  readonly samples: Tensor;
  /** The columns of the samples. Each [samples, ..] */
  readonly columns: NamedTensors;
  /** The form of the data: names of classes, columns of a table. */
  readonly data: DatasetForm;
  /** Parameters before the step. */
  readonly params: NamedTensors;
  /** The model's state before the step, such as running moments. */
  readonly state: NamedTensors;
  /** The mean gradient over all samples of the step, with the penalty's, as the optimizer got it. By parameter. */
  readonly gradients: NamedTensors;
  /** Parameters after the step minus those before it. */
  readonly updates: NamedTensors;
  /** What the layers gave in the step, in training mode. Each output is [samples, ..]. */
  readonly layers: readonly LayerOutput[];
  /** The loss of each sample, without the penalty. [samples] */
  readonly loss: Tensor;
  /** The metrics of each sample. Each [samples] */
  readonly metrics: NamedTensors;
  /** The gradient of the loss of the one sample, by parameter. */
  readonly sampleGradients?: NamedTensors;
  /** The metrics that the step reported. */
  readonly stepMetrics: Readonly<Record<string, number>>;
  /** What was not finite in the step: `loss`, `gradient of 2/kernel`, … */
  readonly nonFinite?: readonly string[];
  /** False where the run stopped at this step because it was not finite: its updates are then 0. */
  readonly isUpdated: boolean;
  /** What may make the values differ from those of the run, a sentence each. */
  readonly warnings: readonly string[];
}

/** Told while steps are computed again. */
export interface InspectWatch {
  /** Before the steps between a saved state and the inspected step are computed. */
  onStart?(from: number, numSteps: number): void | Promise<void>;
  onStep?(step: number): void;
}

const inspectRules: Rules<InspectOptions> = {
  step: required(whole(1)),
  sample: whole(0),
  layer: aString,
  sampleGradient: aBoolean,
};
const checkInspect = signature('inspectRun', { folder: aString }, inspectRules);

/**
 * Computes a step of a run again, from the nearest checkpoint before it, and gives everything that it computed with and computed.
 * The values have the bits of the run, whatever number of workers trained it.
 *
 * @throws LockstepError `config` for a step, sample or layer that the run does not have, `data` if the data cannot be loaded or
 * have changed since.
 */
export async function inspectRun(folder: string, options: InspectOptions): Promise<Inspection> {
  checkInspect(folder, options);
  return inspectStep(await openRecordedRun(folder), options);
}

export async function inspectStep(
  run: RecordedRun,
  options: InspectOptions,
  watch: InspectWatch = {},
): Promise<Inspection> {
  const { step, sample, layer } = options;
  if (options.sampleGradient === true && sample === undefined) {
    const message = 'inspectRun: sampleGradient is the gradient of one sample; name it with sample';
    throw new LockstepError('argument', message, {});
  }
  requireSameData(run);
  await requireStep(run, step);
  const sampling = samplingOf(run);
  const place = sample === undefined ? undefined : placeOf(sampling, step, sample);
  if (layer !== undefined) requireLayer(run, step, layer);
  const computation = new Computation(run, { evaluates: false });
  const skipped = await restoreBefore(computation, step - 1);
  await watch.onStart?.(computation.step, step - computation.step);
  computeUntil(computation, step - 1, (done) => watch.onStep?.(done.step));
  const before = computation.copy().arrays;
  computation.computeStep();
  const computed = computation.update();
  watch.onStep?.(step);
  const isMine = (name: string): boolean => layer === undefined || isUnder(layer, name);
  const values = withProfile(run.profile, () =>
    placedIn(run, run.experiment, () => valuesOf(computation, { step, before, place, options, isMine })),
  );
  const indices = samplesAt(sampling, step);
  const shown = place === undefined ? indices : indices.slice(place, place + 1);
  const epoch = epochAt(run.schedule(run.stage(step)), step);
  const { metrics, isUpdated, nonFinite } = computed;
  return {
    ...{ run: run.folder, step, epoch, data: formOfDataset(run.dataset) },
    ...{ samples: tensor(shown), columns: columnsOf(run.dataset, shown, [shown.length]), ...values },
    ...{ stepMetrics: metrics, isUpdated, ...(nonFinite && { nonFinite: nonFinite.what }) },
    warnings: [
      ...(await doubtsOf(run, computed)),
      ...skipped.map((one) => `the checkpoint of step ${one.step} is skipped: ${one.reason}`),
    ],
  };
}

interface Wanted {
  readonly step: number;
  /** The replica before the step. */
  readonly before: readonly TypedArray[];
  readonly place: number | undefined;
  readonly options: InspectOptions;
  isMine(name: string): boolean;
}

/** The tensors of a step that `computation` has just computed. */
function valuesOf(computation: Computation, { step, before, place, options, isMine }: Wanted) {
  const { run, programs, arrays, worker } = computation;
  const { params, state } = programs;
  const at: StepOptions = {
    ...{ experiment: run.experiment, dataset: run.dataset, config: run.stage(step).config },
    ...{ step, arrays: before },
  };
  const take = (x: Tensor): Tensor => (place === undefined ? x : rowOf(x, place));
  const named = (variables: readonly Variable[], values: readonly Tensor[]): NamedTensors =>
    Object.fromEntries(
      variables.map(({ name }, i) => [name, values[i]!] as const).filter(([name]) => isMine(name)),
    );
  const { gradientSums, sums } = worker.reduced();
  const reduced = {
    gradientSums: params.map(({ shape }, i) => tensor(gradientSums[i]!.slice(), { shape })),
    sums: tensor(sums.slice()),
  };
  const { loss, metrics, layers } = forwardStep(at, ({ name }) => isMine(name));
  const tensors = (variables: readonly Variable[], from: number): Tensor[] =>
    variables.map(({ dtype, shape }, i) => tensor(before[from + i]!, { dtype, shape }));
  const old = tensors(params, 0);
  const wantsSample = options.sampleGradient === true && place !== undefined;
  return {
    params: named(params, old),
    state: named(state, tensors(state, params.length)),
    gradients: named(params, stepGradients(at, programs, reduced)),
    updates: named(
      params,
      params.map(({ shape }, i) => tensor(arrays[i]!.slice(), { shape }).sub(old[i]!)),
    ),
    layers: layers.map((one) => ({ ...one, output: take(one.output) })),
    loss: take(loss),
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, take(values)])),
    ...(wantsSample && { sampleGradients: named(params, sampleGradient(at, place)) }),
  };
}

/** Row `place` alone: [1, ..]. */
function rowOf({ data, dtype, shape }: Tensor, place: number): Tensor {
  const row = shape.slice(1);
  const size = sizeOf(row);
  return tensor(data.slice(place * size, (place + 1) * size), { dtype, shape: [1, ...row] });
}

/**
 * What may make the values of the step differ from those of the run. Of another build that gives the metrics of the run this is said
 * too: metrics are sums over everything that the step computed.
 */
async function doubtsOf(run: RecordedRun, computed: ComputedStep): Promise<readonly string[]> {
  const { curves } = await readRun(run.folder);
  const { step, metrics } = computed;
  const logged = Object.entries(metrics).flatMap(([name, value]) => {
    const curve = curves[name];
    const at = curve?.kind === 'step' ? curve.steps.indexOf(step) : -1;
    return at < 0 ? [] : [{ name, isSame: Object.is(curve!.values[at], value) }];
  });
  const differing = logged.filter(({ isSame }) => !isSame).map(({ name }) => name);
  const doubts = warningsOf(run);
  if (differing.length > 0) {
    const names = differing.join(', ');
    return [
      ...doubts,
      `the run reported other metrics for this step (${names}): it did not compute what is computed here`,
    ];
  }
  return logged.length === 0
    ? doubts
    : doubts.map((doubt) => `${doubt}; the metrics of this step are those of the run`);
}

/** All tensors of an inspection, by names for a file of arrays: `params/0/kernel`, `layers/2`, `columns/x`. */
export function tensorsOfInspection(inspection: Inspection): NamedTensors {
  const { samples, columns, params, state, gradients, updates, layers, loss, metrics } = inspection;
  const groups: Readonly<Record<string, NamedTensors>> = {
    ...{ columns, params, state, gradients, updates, metrics },
    sampleGradients: inspection.sampleGradients ?? {},
    layers: Object.fromEntries(layers.map(({ name, kind, output }) => [name === '' ? kind : name, output])),
  };
  const named = Object.entries(groups).flatMap(([group, tensors]) =>
    Object.entries(tensors).map(([name, x]) => [name === '' ? group : `${group}/${name}`, x] as const),
  );
  return { samples, loss, ...Object.fromEntries(named) };
}
