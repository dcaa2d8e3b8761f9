/** Every command, once: its arguments and options, what help and completion say of them, and where its code is. */
import {
  completionShell,
  coordinatorOptions,
  experimentFile,
  explainOptions,
  exportOptions,
  fixedOptions,
  helpCommand,
  keysOptions,
  lengthOptions,
  localOptions,
  networkOptions,
  type outputOptions,
  predictOptions,
  resumeNetworkOptions,
  rowsFile,
  runFolder,
  runOptions,
  workerOptions,
} from '../options.ts';
import type { ArgsOf, Command, Handler, OptionTable, PositionalTable } from './command.ts';

type Output = ArgsOf<typeof outputOptions>;

/** One entry; the types hold the command's function against its arguments and options. */
function command<Positionals extends PositionalTable, Own extends OptionTable>(entry: {
  readonly usage: string;
  readonly describe: string;
  readonly positionals: Positionals;
  readonly options: Own;
  readonly examples: Command['examples'];
  readonly load: () => Promise<Handler<ArgsOf<NoInfer<Positionals>> & ArgsOf<NoInfer<Own>> & Output>>;
}): Command {
  return { ...entry, name: entry.usage.split(' ')[0]! };
}

export const commands: readonly Command[] = [
  command({
    usage: 'train <experiment>',
    describe: 'train on workers of this machine',
    positionals: { experiment: experimentFile },
    options: { ...localOptions, ...runOptions, ...networkOptions },
    examples: [
      ['train experiments/mnist-cnn.ts --workers 2', 'two worker processes'],
      ['train mine.ts --seed 7 --steps 100 --json', 'for scripts'],
    ],
    load: async () => (await import('./train.ts')).train,
  }),
  command({
    usage: 'coordinator <experiment>',
    describe: 'start a run whose workers come from elsewhere',
    positionals: { experiment: experimentFile },
    options: { ...coordinatorOptions, ...runOptions, ...networkOptions },
    examples: [['coordinator mine.ts --bind tcp://10.0.0.5:7070 --keys keys', 'for other machines']],
    load: async () => (await import('./train.ts')).coordinate,
  }),
  command({
    usage: 'worker',
    describe: 'join a coordinator',
    positionals: {},
    options: workerOptions,
    examples: [['worker --join 10.0.0.5:7070 --keys keys', 'from another machine']],
    load: async () => (await import('./worker.ts')).worker,
  }),
  command({
    usage: 'resume <run>',
    describe: 'go on with a stopped run, or train a finished one longer, with any number of workers',
    positionals: { run: runFolder },
    options: { ...localOptions, ...lengthOptions, ...resumeNetworkOptions, ...fixedOptions },
    examples: [
      ['resume runs/2026-11-22-mnist-cnn-3f9c --workers 4', 'same result, more workers'],
      ['resume runs/2026-11-22-mnist-cnn-3f9c --epochs 20', 'train longer: 20 epochs in all'],
    ],
    load: async () => (await import('./resume.ts')).resume,
  }),
  command({
    usage: 'explain <experiment>',
    describe: 'what a step computes, equation by equation, and what it costs',
    positionals: { experiment: experimentFile },
    options: explainOptions,
    examples: [['explain experiments/mnist-cnn.ts --shards 1', 'the programs of a single shard']],
    load: async () => (await import('./explain.ts')).explain,
  }),
  command({
    usage: 'export <run>',
    describe: 'a run’s parameters or model as a file for other programs',
    positionals: { run: runFolder },
    options: exportOptions,
    examples: [
      ['export runs/2026-11-22-mnist-cnn-3f9c --format onnx', 'the model, for ONNX Runtime'],
      ['export runs/2026-11-22-mnist-cnn-3f9c --out model.npz', 'the parameters, for NumPy'],
    ],
    load: async () => (await import('./export.ts')).exportRun,
  }),
  command({
    usage: 'predict <run> <file>',
    describe: 'what a trained run gives for new rows',
    positionals: { run: runFolder, file: rowsFile },
    options: predictOptions,
    examples: [
      ['predict runs/2026-11-22-breast-cancer-3f9c new-rows.csv', 'a class and outputs a row'],
      ['predict runs/2026-11-22-mnist-cnn-3f9c images.npy --json', 'an object a row'],
    ],
    load: async () => (await import('./predict.ts')).predict,
  }),
  command({
    usage: 'keys',
    describe: 'make keys for a cluster of several machines',
    positionals: {},
    options: keysOptions,
    examples: [],
    load: async () => (await import('./keys.ts')).keys,
  }),
  command({
    usage: 'doctor',
    describe: 'what this machine offers, and why not more',
    positionals: {},
    options: {},
    examples: [],
    load: async () => (await import('./doctor.ts')).doctor,
  }),
  command({
    usage: 'completion [shell]',
    describe: 'print a script that completes commands and options in bash or zsh',
    positionals: { shell: completionShell },
    options: {},
    examples: [['completion bash', 'in ~/.bashrc: eval "$(lockstep completion bash)"']],
    load: async () => (await import('./completion.ts')).completionOf(commands),
  }),
  command({
    usage: 'help [command]',
    describe: 'the options of a command',
    positionals: { command: helpCommand },
    options: {},
    examples: [],
    // Read before the table is: `help train` is `train --help`.
    load: async () => async () => 0,
  }),
];

export const commandNames: readonly string[] = commands.map(({ name }) => name);

export const commandNamed = (name: unknown): Command | undefined => commands.find((one) => one.name === name);
