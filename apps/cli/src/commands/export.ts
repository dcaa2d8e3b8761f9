/** `lockstep export`: a run's parameters as a file that other programs read. */
import { lstat, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { type LoadedCheckpoint, listCheckpoints, loadCheckpoint, treeOfTensors } from '@lockstep/checkpoint';
import { checkpointFolder } from '@lockstep/coordinator';
import { LockstepError, toWireError } from '@lockstep/errors';
import { fileError, writeAtomic } from '@lockstep/files';
import { encodeNpz, encodeSafetensors, type Tensors } from '@lockstep/formats';
import { exportModel, initialVariables, type OnnxInput, type OnnxModel, tensorsOf } from '@lockstep/onnx';
import { sha256 } from '@lockstep/tracking';
import type { OutputArgs } from '../display/choose.ts';
import { bytesText } from '../display/programs.ts';
import { importKept } from '../experiment-file.ts';
import { exportFormats } from '../options.ts';
import { version } from '../project.ts';
import { type KnownRun, readRunFolder, requireRunFolder } from '../run-folder.ts';
import type { Handler } from './command.ts';

type ExportFormat = (typeof exportFormats)[number];

export interface ExportArgs extends OutputArgs {
  readonly run: string;
  readonly format?: ExportFormat | undefined;
  readonly step?: number | undefined;
  readonly out?: string | undefined;
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
  const format = args.format ?? formatOf(args.out);
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

/** What the file's ending says; safetensors where it says nothing. */
function formatOf(out: string | undefined): ExportFormat {
  const ending = out === undefined ? '' : extname(out).slice(1);
  return exportFormats.find((format) => format === ending) ?? 'safetensors';
}

async function readCheckpoint(folder: string, step: number | undefined): Promise<LoadedCheckpoint> {
  const checkpoints = checkpointFolder(folder);
  const steps = (await listCheckpoints(checkpoints)).map((files) => files.step);
  const found =
    step === undefined || steps.includes(step) ? await loadCheckpoint(checkpoints, step) : undefined;
  if (found !== undefined) return found;
  const what =
    steps.length === 0
      ? 'no checkpoint yet; one is written every --checkpoint-every steps and at the end'
      : `no checkpoint of step ${step}; it has those of steps ${steps.join(', ')}`;
  throw new LockstepError('config', `${folder} has ${what}`, { folder, step, steps });
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
      bytes: encodeSafetensors(tensors, originOf(run, checkpoint)),
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

/** Parameters and state, named as other programs do: `params.0.kernel`. The optimizer's is of no use to them. */
function modelTensors({ tensors }: LoadedCheckpoint): Tensors {
  const own = Object.entries(tensors).filter(([name]) => !name.startsWith('optimizer/'));
  return Object.fromEntries(own.map(([name, tensor]) => [name.replaceAll('/', '.'), tensor]));
}

const describe = (tensors: Tensors): string[] =>
  Object.entries(tensors).map(([name, { shape }]) => `${name} [${shape.join(', ')}]`);

const variable = ({ name, dtype, shape }: OnnxInput): string => `${name} ${dtype} [${shape.join(', ')}]`;

/** Where a file comes from, kept in it. */
function originOf(run: KnownRun, { step, header }: LoadedCheckpoint): Record<string, string> {
  const { fingerprint } = header;
  return {
    producer: `lockstep ${version}`,
    name: run.name,
    step: `${step}`,
    experiment: run.hash,
    ...(typeof fingerprint === 'string' ? { fingerprint } : {}),
  };
}

/** The run's model in evaluation. */
async function modelOf(run: KnownRun, checkpoint: LoadedCheckpoint): Promise<OnnxModel> {
  const experiment = await importKept(run.file, run.bundle, run.hash);
  if (!('model' in experiment)) {
    throw new LockstepError(
      'experiment',
      `${run.name} has a loss of its own and no model of layers, so there is no function from inputs to outputs to export; use --format safetensors or npz`,
      { name: run.name },
    );
  }
  const { splits } = await experiment.data.load({ limitSamples: run.config.limitSamples ?? undefined });
  const { dtype, shape } = splits.train.fields.x!;
  const form = initialVariables(experiment.model, shape);
  const tensors = tensorsOf(checkpoint.tensors);
  const filled = (group: 'params' | 'state'): unknown => treeOfTensors(group, form[group] as never, tensors);
  const variables = { params: filled('params'), state: filled('state') };
  return exportModel(experiment.model, variables, {
    input: { dtype, shape },
    names: Object.fromEntries(Object.entries(tensors).map(([name, x]) => [name.replaceAll('/', '.'), x])),
    name: run.name,
    metadata: originOf(run, checkpoint),
  });
}
