/** Commands that show and use the results of experiments and runs. */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { Prediction } from '@lockstep/inference';
import { choice, text, wholeNumber } from '../option.ts';
import {
  checkpointOptions,
  type ExportFormat,
  experimentFile,
  exportFormats,
  parameterOptions,
  runFolder,
  runOptions,
} from '../options.ts';
import { command } from './command.ts';

export const explain = command({
  name: 'explain',
  summary: 'what a step computes, equation by equation, and what it costs',
  positionals: { experiment: experimentFile },
  options: {
    ...parameterOptions,
    'batch-size': runOptions['batch-size'],
    shards: runOptions.shards,
    'limit-samples': runOptions['limit-samples'],
    link: text({
      describe:
        'predict the time of a step on machines with this link, such as 1Gbit, from its time on this one',
    }),
    latency: text({ describe: 'of that link, from one machine to another', default: '0.1ms' }),
    workers: wholeNumber(1, { describe: 'with --link: machines with one worker each', default: 8 }),
    threads: wholeNumber(1, { describe: 'with --link: compute threads of each worker', default: 1 }),
  },
  examples: [
    ['explain experiments/mnist-cnn.ts --shards 1', 'the programs of a single shard'],
    [
      'explain experiments/mnist-cnn.ts --link 1Gbit --workers 16',
      'a step on 16 machines that you do not have',
    ],
  ],
  run: async (args, { terminal }) => {
    const { loadExperiment } = await import('../experiment-file.ts');
    const { describeStep } = await import('../step-description.ts');
    const file = await loadExperiment(args.experiment, args.set);
    const { link, json } = args;
    if (link !== undefined) {
      const { explainLink } = await import('../scale/explain-link.ts');
      return explainLink(file, { ...args, link }, { json, terminal });
    }
    const description = await describeStep(file, args);
    if (args.json) {
      for (const program of ['shard', 'update'] as const) {
        const line = JSON.stringify({ experiment: file.name, program, ...description[program] });
        terminal.out.write(`${line}\n`);
      }
    } else {
      const { programsText } = await import('../display/programs.ts');
      terminal.out.write(programsText(description));
    }
    return 0;
  },
});

export const exportRun = command({
  name: 'export',
  summary: 'a run’s parameters or model as a file for other programs',
  positionals: { run: runFolder },
  options: {
    format: choice(exportFormats, {
      describe: 'format of the file (default: as its ending says, else safetensors)',
    }),
    ...checkpointOptions,
    out: text({ describe: 'file to write (default: <name>-step-<n>.<format>)' }),
  },
  examples: [
    ['export runs/2026-11-22-mnist-cnn-3f9c --format onnx', 'the model, for ONNX Runtime'],
    ['export runs/2026-11-22-mnist-cnn-3f9c --out model.npz', 'the parameters, for NumPy'],
  ],
  run: async ({ run: path, step: wanted, format: asked, out, json }, { terminal }) => {
    const { readCheckpoint, readRunFolder } = await import('@lockstep/inference');
    const { sha256 } = await import('@lockstep/tracking');
    const { requireRunFolder } = await import('../run-folder.ts');
    const { encodeRun, nonFiniteTensor } = await import('../encode-run.ts');
    const { writeOut } = await import('../writable.ts');
    const folder = await requireRunFolder(path);
    const run = await readRunFolder(folder);
    const checkpoint = await readCheckpoint(folder, wanted);
    for (const { step, reason } of checkpoint.skipped)
      terminal.err.write(`lockstep: the checkpoint of step ${step} is skipped: ${reason}\n`);
    const { step } = checkpoint;
    const broken = nonFiniteTensor(checkpoint.tensors);
    if (broken !== undefined)
      terminal.err.write(
        `lockstep: ${broken} has values that are not finite at step ${step}; the file contains them unchanged\n`,
      );
    const format = formatOf(asked, out);
    const file = out ?? `${run.name}-step-${step}.${format}`;
    const { bytes, facts } = await encodeRun(format, run, checkpoint);
    await writeOut(file, bytes);
    const hash = sha256(bytes);
    if (json) {
      const record = {
        exported: file,
        format,
        run: folder,
        step,
        bytes: bytes.length,
        sha256: hash,
        ...facts,
      };
      terminal.out.write(`${JSON.stringify(record)}\n`);
    } else {
      const { bytesText } = await import('../display/programs.ts');
      const rows = Object.entries({ from: [`${folder}, step ${step}`], ...facts, sha256: [hash] });
      const lines = rows.map(([heading, values]) => `  ${heading.padEnd(10)} ${listed(values)}`);
      terminal.out.write(`${[`${file}  ${bytesText(bytes.length)}`, ...lines].join('\n')}\n`);
    }
    return 0;
  },
});

/** The first values, and their number. */
function listed(values: readonly string[]): string {
  const shown = 8;
  if (values.length <= shown) return values.join(', ');
  return `${values.slice(0, shown).join(', ')}, … (${values.length} in all; --json lists them)`;
}

/** The format of the file's ending. Throws `config` where the ending contradicts the format that is asked for. */
function formatOf(format: ExportFormat | undefined, out = ''): ExportFormat {
  const ending = extname(out).slice(1);
  if (ending === '') return format ?? 'safetensors';
  const named = exportFormats.find((one) => one === ending);
  if (named !== undefined && (format ?? named) === named) return named;
  const endings = exportFormats.map((one) => `.${one}`).join(', ');
  throw new LockstepError(
    'config',
    format === undefined
      ? `--out '${out}': .${ending} is not a format that can be written; use ${endings}`
      : `--out '${out}' does not end in .${format}, but --format is ${format}; change one of them`,
    { out, format },
  );
}

export const predict = command({
  name: 'predict',
  summary: 'what a trained run gives for new rows',
  positionals: {
    run: runFolder,
    file: text({
      describe:
        'a .csv file of the columns of the training, or an .npz, .npy or .safetensors file with an array x',
      isRequired: true,
    }),
  },
  options: checkpointOptions,
  examples: [
    ['predict runs/2026-11-22-breast-cancer-3f9c new-rows.csv', 'a class and outputs a row'],
    ['predict runs/2026-11-22-mnist-cnn-3f9c images.npy --json', 'an object a row'],
  ],
  run: async ({ run, file, step, json }, { terminal }) => {
    const { loadRun } = await import('@lockstep/inference');
    const { requireRunFolder } = await import('../run-folder.ts');
    const folder = await requireRunFolder(run);
    if (!existsSync(file)) {
      throw new LockstepError('config', `${file} does not exist; give a file of rows to predict`, { file });
    }
    const model = await loadRun(folder, step === undefined ? {} : { step });
    const predictions = await model.predictFile(file);
    const lines = predictions.map((prediction, i) =>
      json ? JSON.stringify({ row: i + 1, ...prediction }) : `${i + 1}\t${shown(prediction)}`,
    );
    terminal.out.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
});

/** The class, then the outputs, between tabs. */
function shown({ output, class: name }: Prediction): string {
  const numbers = [output].flat(Number.POSITIVE_INFINITY as 1) as readonly number[];
  return [...(name === undefined ? [] : [name]), ...numbers.map((value) => value.toPrecision(6))].join('\t');
}
