/** A run's parameters, or its model, as a file that other programs read. */
import type { LoadedCheckpoint } from '@lockstep/checkpoint';
import type { DatasetForm } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { encodeNpz, encodeSafetensors, type Tensors } from '@lockstep/formats';
import {
  applyExperiment,
  dataFormOf,
  evaluationVariables,
  importKept,
  type KnownRun,
  placedIn,
  prepareInput,
} from '@lockstep/inference';
import { exportOnnx, type OnnxInput, type OnnxModel, tensorsOf } from '@lockstep/onnx';
import type { ExportFormat } from './options.ts';
import { version } from './project.ts';

/** A file's bytes, and a description of their contents by headings. */
interface Content {
  readonly bytes: Uint8Array;
  readonly facts: Readonly<Record<string, readonly string[]>>;
}

/** The file of a run at a checkpoint. Throws `experiment` where the format needs a model and the run has none. */
export async function encodeRun(
  format: ExportFormat,
  run: KnownRun,
  checkpoint: LoadedCheckpoint,
): Promise<Content> {
  return encoders[format](run, checkpoint);
}

/** A parameter or state with values that are not finite: a run with `onNonFinite: 'warn'` may have some. */
export function nonFiniteTensor(tensors: Tensors): string | undefined {
  const isModel = (name: string): boolean => /^(params|state)\b/.test(name);
  return Object.keys(tensors).find(
    (name) => isModel(name) && !(tensors[name]!.data as Float32Array).every(Number.isFinite),
  );
}

const encoders: Readonly<
  Record<ExportFormat, (run: KnownRun, checkpoint: LoadedCheckpoint) => Content | Promise<Content>>
> = {
  safetensors: (run, checkpoint) => {
    const tensors = modelTensors(checkpoint);
    return {
      bytes: encodeSafetensors(tensors, originOf(run, checkpoint, knownForm(checkpoint))),
      facts: { tensors: describe(tensors) },
    };
  },
  npz: (_run, checkpoint) => {
    const tensors = modelTensors(checkpoint);
    return { bytes: encodeNpz(tensors, { compress: true }), facts: { tensors: describe(tensors) } };
  },
  onnx: async (run, checkpoint) => {
    const { bytes, inputs, outputs, opset, operators } = await modelOf(run, checkpoint);
    const counts = Object.entries(operators).map(([op, count]) => `${op} ${count}`);
    const facts = { inputs: inputs.map(variable), outputs: outputs.map(variable), opset: [`${opset}`] };
    return { bytes, facts: { ...facts, operators: counts } };
  },
};

/** The form of the data as the checkpoint has it; undefined in checkpoints of earlier releases. */
const knownForm = ({ metadata }: LoadedCheckpoint): DatasetForm | undefined =>
  metadata?.data === undefined ? undefined : (JSON.parse(metadata.data) as DatasetForm);

/** Parameters and model state with names such as `params.0.kernel`, which other programs use; the optimizer's state is left out. */
function modelTensors({ tensors }: LoadedCheckpoint): Tensors {
  const own = Object.entries(tensors).filter(([name]) => !name.startsWith('optimizer/'));
  return Object.fromEntries(own.map(([name, tensor]) => [name.replaceAll('/', '.'), tensor]));
}

const describe = (tensors: Tensors): string[] =>
  Object.entries(tensors).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);

const variable = ({ name, dtype, shape }: OnnxInput): string => `${name} ${dtype} [${shape.join(', ')}]`;

/** Metadata of a file: which run, step and experiment it comes from. */
function originOf(
  run: KnownRun,
  { step, header }: LoadedCheckpoint,
  form: DatasetForm | undefined,
): Record<string, string> {
  const { fingerprint } = header;
  return {
    producer: `lockstep ${version}`,
    name: run.name,
    step: `${step}`,
    experiment: run.hash,
    ...(typeof fingerprint === 'string' ? { fingerprint } : {}),
    ...(form?.classes && { classes: JSON.stringify(form.classes) }),
    ...(form && { data: JSON.stringify(form) }),
  };
}

/** The run's model in evaluation. It includes the preprocessing of rows, so its inputs are numbers as the data have them. */
async function modelOf(run: KnownRun, checkpoint: LoadedCheckpoint): Promise<OnnxModel> {
  const experiment = await importKept(run);
  if (!('model' in experiment) && experiment.predict === undefined) {
    throw new LockstepError(
      'experiment',
      `${run.name} has a loss of its own and no model of layers, so there is no function from inputs to outputs to export; add predict: (params, { x }) => outputs to the experiment, or use --format safetensors or npz`,
      { name: run.name },
    );
  }
  const form = await dataFormOf(run, experiment, checkpoint);
  const { dtype, shape } = form.fields.x!;
  const variables = placedIn(run, experiment, () =>
    evaluationVariables(experiment, shape, checkpoint.tensors),
  );
  const names = Object.entries(tensorsOf(checkpoint.tensors)).map(([name, x]) => [
    name.replaceAll('/', '.'),
    x,
  ]);
  const options: Parameters<typeof exportOnnx>[1] = {
    inputs: [{ name: 'x', dtype, shape: ['batch', ...shape] }],
    names: Object.fromEntries(names),
    name: run.name,
    metadata: originOf(run, checkpoint, form),
  };
  return placedIn(run, experiment, () =>
    exportOnnx((x) => applyExperiment(experiment, variables, { x: prepareInput(form, x) }), options),
  );
}
