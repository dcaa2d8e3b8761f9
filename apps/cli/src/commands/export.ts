/** `lockstep export`: a run's parameters as a file that other programs read. */
import { lstat, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { LoadedCheckpoint } from '@lockstep/checkpoint';
import type { DatasetForm } from '@lockstep/data';
import { LockstepError, toWireError } from '@lockstep/errors';
import { fileError, writeAtomic } from '@lockstep/files';
import { encodeNpz, encodeSafetensors, type Tensors } from '@lockstep/formats';
import {
  applyExperiment,
  dataFormOf,
  evaluationVariables,
  importKept,
  type KnownRun,
  placedIn,
  prepareInput,
  readCheckpoint,
  readRunFolder,
} from '@lockstep/inference';
import { exportOnnx, type OnnxInput, type OnnxModel, tensorsOf } from '@lockstep/onnx';
import { sha256 } from '@lockstep/tracking';
import type { OutputArgs } from '../display/choose.ts';
import { bytesText } from '../display/programs.ts';
import { exportFormats, type exportOptions } from '../options.ts';
import { version } from '../project.ts';
import { requireRunFolder } from '../run-folder.ts';
import type { ArgsOf, Handler } from './command.ts';

type ExportFormat = (typeof exportFormats)[number];

export interface ExportArgs extends ArgsOf<typeof exportOptions>, OutputArgs {
  readonly run: string;
}

/** A file's bytes, and what is in it, by headings. */
interface Content {
  readonly bytes: Uint8Array;
  readonly facts: Readonly<Record<string, readonly string[]>>;
}

export const exportRun: Handler<ExportArgs> = async (args, { terminal }) => {
  const folder = args.run.replace(/(?<=.)\/+$/, '');
  await requireRunFolder(folder);
  const run = await readRunFolder(folder);
  const checkpoint = await readCheckpoint(folder, args.step);
  for (const { step, reason } of checkpoint.skipped)
    terminal.err.write(`lockstep: the checkpoint of step ${step} is passed over: ${reason}\n`);
  const { step } = checkpoint;
  const broken = brokenIn(checkpoint.tensors);
  if (broken !== undefined)
    terminal.err.write(
      `lockstep: ${broken} has values that are not finite at step ${step}; they are exported as they are\n`,
    );
  const format = formatOf(args);
  const path = args.out ?? `${run.name}-step-${step}.${format}`;
  const { bytes, facts } = await encoders[format](run, checkpoint);
  await writeOut(path, bytes);
  const hash = sha256(bytes);
  if (args.json) {
    const record = { exported: path, format, run: folder, step, bytes: bytes.length, sha256: hash, ...facts };
    terminal.out.write(`${JSON.stringify(record)}\n`);
  } else {
    const rows = Object.entries({ from: [`${folder}, step ${step}`], ...facts, sha256: [hash] });
    const lines = rows.map(([heading, values]) => `  ${heading.padEnd(10)} ${listed(values)}`);
    terminal.out.write(`${[`${path}  ${bytesText(bytes.length)}`, ...lines].join('\n')}\n`);
  }
  return 0;
};

/** Of a run that was to go on whatever its loss. */
function brokenIn(tensors: Tensors): string | undefined {
  const isModel = (name: string): boolean => /^(params|state)\b/.test(name);
  return Object.keys(tensors).find(
    (name) => isModel(name) && !(tensors[name]!.data as Float32Array).every(Number.isFinite),
  );
}

/** The first of them, and how many there are. */
function listed(values: readonly string[]): string {
  const shown = 8;
  if (values.length <= shown) return values.join(', ');
  return `${values.slice(0, shown).join(', ')}, … (${values.length} in all; --json lists them)`;
}

/** What the file's ending says, which must not contradict the format that is asked for. */
function formatOf({ out = '', format }: ExportArgs): ExportFormat {
  const ending = extname(out).slice(1);
  if (ending === '') return format ?? 'safetensors';
  const named = exportFormats.find((one) => one === ending);
  if (named !== undefined && (format ?? named) === named) return named;
  const endings = exportFormats.map((one) => `.${one}`).join(', ');
  throw new LockstepError(
    'config',
    format === undefined
      ? `--out '${out}': .${ending} is none of the formats that can be written; use ${endings}`
      : `--out '${out}' does not end in .${format}, but --format is ${format}; change one of them`,
    { out, format },
  );
}

/** Whole or not at all; what is no ordinary file, such as a pipe or a link, is written to and stays what it is. */
async function writeOut(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const isOrdinary = await lstat(path).then(
      (found) => found.isFile(),
      () => true,
    );
    await (isOrdinary ? writeAtomic(path, bytes) : writeFile(path, bytes));
  } catch (cause) {
    const { message, facts } = toWireError(fileError(path, cause));
    // A path that cannot be written to at all is a mistake in the command line; a full disk is none.
    const isMistake = ['ENOENT', 'ENOTDIR', 'EISDIR', 'EACCES', 'EPERM', 'EROFS'].includes(`${facts.errno}`);
    throw new LockstepError(isMistake ? 'config' : 'file', message, facts, { cause });
  }
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

/** What the checkpoint says of its data; undefined for one of an earlier release. */
const knownForm = ({ metadata }: LoadedCheckpoint): DatasetForm | undefined =>
  metadata?.data === undefined ? undefined : (JSON.parse(metadata.data) as DatasetForm);

/** Parameters and state, named as other programs do: `params.0.kernel`. The optimizer's is of no use to them. */
function modelTensors({ tensors }: LoadedCheckpoint): Tensors {
  const own = Object.entries(tensors).filter(([name]) => !name.startsWith('optimizer/'));
  return Object.fromEntries(own.map(([name, tensor]) => [name.replaceAll('/', '.'), tensor]));
}

const describe = (tensors: Tensors): string[] =>
  Object.entries(tensors).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);

const variable = ({ name, dtype, shape }: OnnxInput): string => `${name} ${dtype} [${shape.join(', ')}]`;

/** Where a file comes from, kept in it. */
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

/**
 * The run's model in evaluation. What prepares a row is a part of it: it takes numbers as they are in the data.
 */
async function modelOf(run: KnownRun, checkpoint: LoadedCheckpoint): Promise<OnnxModel> {
  const experiment = await importKept(run.file, run.bundle, run.hash);
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
