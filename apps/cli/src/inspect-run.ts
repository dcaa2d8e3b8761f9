/** Shows a step of a run, and writes its tensors to a file. */
import { dirname, extname } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { encodeNpz, encodeSafetensors, type Tensors } from '@lockstep/formats';
import {
  estimateSeconds,
  type Inspection,
  type InspectOptions,
  inspectStep,
  openRecordedRun,
  tensorsOfInspection,
} from '@lockstep/replay';
import { formatLine } from '@lockstep/tracking';
import { buildHash } from '@lockstep/worker';
import { inspectionRecord, inspectionText } from './display/inspection.ts';
import { bytesText } from './display/programs.ts';
import { createRecomputation } from './display/recomputation.ts';
import type { OutputArgs } from './options.ts';
import { version } from './project.ts';
import { requireRunFolder } from './run-folder.ts';
import { type Terminal, widthOf } from './terminal.ts';
import { requireWritableFolder, writeOut } from './writable.ts';

export interface InspectArgs extends OutputArgs {
  readonly run: string;
  readonly step: number;
  readonly sample: number | undefined;
  readonly layer: string | undefined;
  readonly gradient: boolean;
  readonly out: string | undefined;
}

export async function inspectCommand(args: InspectArgs, terminal: Terminal): Promise<number> {
  const { out: path, json } = args;
  const options = optionsOf(args);
  const encode = path === undefined ? undefined : encoderOf(path);
  const folder = await requireRunFolder(args.run);
  // A long computation must not end with a file that cannot be written.
  if (path !== undefined) await requireWritableFolder('out', dirname(path));
  const run = await openRecordedRun(folder, { build: buildHash() });
  const recomputation = createRecomputation(terminal, json);
  const inspection = await inspectStep(run, options, {
    onStart: async (from, numSteps) =>
      recomputation.start(from, numSteps, await estimateSeconds(folder, numSteps)),
    onStep: (step) => recomputation.step(step),
  }).finally(() => recomputation.end());
  for (const warning of inspection.warnings) terminal.err.write(`lockstep: ${warning}\n`);
  const { totalSteps } = run.schedule(run.stage(options.step));
  terminal.out.write(
    json
      ? formatLine(inspectionRecord(inspection, totalSteps))
      : inspectionText(inspection, totalSteps, widthOf(terminal.out)),
  );
  if (path !== undefined && encode !== undefined) {
    const tensors = tensorsOf(inspection);
    const bytes = encode(tensors, { producer: `lockstep ${version}`, run: run.id, step: `${options.step}` });
    await writeOut(path, bytes);
    const facts = { event: 'written', path, tensors: Object.keys(tensors).length, bytes: bytes.length };
    terminal.out.write(
      json ? formatLine(facts) : `\n${path}  ${facts.tensors} tensors, ${bytesText(bytes.length)}\n`,
    );
  }
  return 0;
}

function optionsOf({ step, sample, layer, gradient }: InspectArgs): InspectOptions {
  if (gradient && sample === undefined) {
    throw new LockstepError('config', '--gradient is the gradient of one sample; name it with --sample', {});
  }
  return {
    ...{ step, sampleGradient: gradient },
    ...(sample !== undefined && { sample }),
    ...(layer !== undefined && { layer }),
  };
}

type Encoder = (tensors: Tensors, metadata: Readonly<Record<string, string>>) => Uint8Array;

function encoderOf(path: string): Encoder {
  switch (extname(path)) {
    case '.npz':
      return (tensors) => encodeNpz(tensors, { compress: true });
    case '.safetensors':
      return encodeSafetensors;
    default:
      throw new LockstepError('config', `--out '${path}' must end in .npz or .safetensors`, { path });
  }
}

const tensorsOf = (inspection: Inspection): Tensors =>
  Object.fromEntries(
    Object.entries(tensorsOfInspection(inspection)).map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, data },
    ]),
  );
