/** Which commands and options there are, and how mistakes in them are answered. */
import { LockstepError, nearNames } from '@lockstep/errors';
import yargs, { type Argv } from 'yargs';
import type { Handler } from './commands/command.ts';
import type { OutputArgs } from './display/choose.ts';
import {
  coordinatorOptions,
  experimentFile,
  explainOptions,
  exportOptions,
  keysOptions,
  knownOptions,
  localOptions,
  networkOptions,
  outputOptions,
  predictOptions,
  resumeNetworkOptions,
  rowsFile,
  runFolder,
  runOptions,
  workerOptions,
} from './options.ts';
import { version } from './project.ts';

/** Says what is to be done with a command's options. Commands are loaded only then, so that `--help` is quick. */
export type Perform = <Args>(load: () => Promise<Handler<Args>>) => (args: Args) => void;

const epilogue = `Exit codes: 0 done, 1 the experiment or the run failed, 2 a mistake in the command line, the
configuration or an address, 3 keys wrong or missing, or worker refused, 5 a loss, gradient or
parameter is not finite, 130 interrupted (the run is saved). A worker ends with 4 when it has lost
its coordinator, with 6 when there never was one.`;

export function commandLine(perform: Perform): Argv {
  return withCommands(yargs().scriptName('lockstep').options(outputOptions), perform)
    .usage('$0 <command>\n\nTrains neural networks data-parallel: one seed, one result.')
    .version(version)
    .alias('help', 'h')
    .demandCommand(1, 'which command? `lockstep --help` lists them')
    .strict()
    .exitProcess(false)
    .wrap(100)
    .epilogue(epilogue)
    .fail((message, error) => {
      // What a check of a value throws arrives as yargs' own error: here it can only be a mistake in the command line.
      throw new LockstepError('config', explain(message ?? error?.message), {}, { cause: error });
    });
}

const commandNames = [
  'train',
  'coordinator',
  'worker',
  'resume',
  'explain',
  'export',
  'predict',
  'keys',
  'doctor',
];

function withCommands(argv: Argv<OutputArgs>, perform: Perform): Argv<OutputArgs> {
  return argv
    .command(
      'train <experiment>',
      'train on workers of this machine',
      (args) =>
        args
          .positional('experiment', experimentFile)
          .options({ ...localOptions, ...runOptions, ...networkOptions })
          .example('$0 train experiments/mnist-cnn.ts --workers 2', 'two worker processes')
          .example('$0 train mine.ts --seed 7 --steps 100 --json', 'for scripts'),
      perform(async () => (await import('./commands/train.ts')).train),
    )
    .command(
      'coordinator <experiment>',
      'start a run whose workers come from elsewhere',
      (args) =>
        args
          .positional('experiment', experimentFile)
          .options({ ...coordinatorOptions, ...runOptions, ...networkOptions })
          .example('$0 coordinator mine.ts --bind tcp://10.0.0.5:7070 --keys keys', 'for other machines'),
      perform(async () => (await import('./commands/train.ts')).coordinate),
    )
    .command(
      'worker',
      'join a coordinator',
      (args) =>
        args
          .options(workerOptions)
          .example('$0 worker --join 10.0.0.5:7070 --keys keys', 'from another machine'),
      perform(async () => (await import('./commands/worker.ts')).worker),
    )
    .command(
      'resume <run>',
      'go on with a stopped run, with any number of workers',
      (args) =>
        args
          .positional('run', runFolder)
          .options({ ...localOptions, ...resumeNetworkOptions })
          .example('$0 resume runs/2026-11-22-mnist-cnn-3f9c --workers 4', 'same result, more workers'),
      perform(async () => (await import('./commands/resume.ts')).resume),
    )
    .command(
      'explain <experiment>',
      'what a step computes, equation by equation, and what it costs',
      (args) =>
        args
          .positional('experiment', experimentFile)
          .options(explainOptions)
          .example('$0 explain experiments/mnist-cnn.ts --shards 1', 'the programs of a single shard'),
      perform(async () => (await import('./commands/explain.ts')).explain),
    )
    .command(
      'export <run>',
      'a run’s parameters or model as a file for other programs',
      (args) =>
        args
          .positional('run', runFolder)
          .options(exportOptions)
          .example('$0 export runs/2026-11-22-mnist-cnn-3f9c --format onnx', 'the model, for ONNX Runtime')
          .example('$0 export runs/2026-11-22-mnist-cnn-3f9c --out model.npz', 'the parameters, for NumPy'),
      perform(async () => (await import('./commands/export.ts')).exportRun),
    )
    .command(
      'predict <run> <file>',
      'what a trained run gives for new rows',
      (args) =>
        args
          .positional('run', runFolder)
          .positional('file', rowsFile)
          .options(predictOptions)
          .example('$0 predict runs/2026-11-22-breast-cancer-3f9c new-rows.csv', 'a class and outputs a row')
          .example('$0 predict runs/2026-11-22-mnist-cnn-3f9c images.npy --json', 'an object a row'),
      perform(async () => (await import('./commands/predict.ts')).predict),
    )
    .command(
      'keys',
      'make keys for a cluster of several machines',
      (args) => args.options(keysOptions),
      perform(async () => (await import('./commands/keys.ts')).keys),
    )
    .command(
      'doctor',
      'what this machine offers, and why not more',
      (args) => args,
      perform(async () => (await import('./commands/doctor.ts')).doctor),
    );
}

/** What yargs says, with the names that may have been meant. */
function explain(message: string): string {
  const [, kind, list] = /^Unknown (argument|command)s?: (.*)$/.exec(message) ?? [];
  if (list === undefined) return `${message}; \`lockstep --help\` shows how`;
  const hints = [...new Set(list.split(', '))].map((name) => {
    const options = kind === 'argument' ? nearNames(name, knownOptions) : [];
    const near = [...options.map((option) => `--${option}`), ...nearNames(name, commandNames)];
    return near.length === 0 ? name : `${name} (did you mean ${near.slice(0, 2).join(' or ')}?)`;
  });
  return `unknown: ${hints.join(', ')}; \`lockstep --help\` lists commands, \`lockstep <command> --help\` its options`;
}
