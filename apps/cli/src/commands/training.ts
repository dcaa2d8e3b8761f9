/** Commands that train: they start a run, join one, or go on with one. */
import { type OptionTable, text, wholeNumber } from '../option.ts';
import {
  branchOptions,
  displayOptions,
  experimentFile,
  keepOptions,
  lengthOptions,
  localOptions,
  networkOptions,
  pageOptions,
  runFolder,
  runOptions,
} from '../options.ts';
import { command } from './command.ts';

export const train = command({
  name: 'train',
  summary: 'train on workers of this machine',
  positionals: { experiment: experimentFile },
  options: { ...localOptions, ...runOptions, ...networkOptions, ...pageOptions, ...displayOptions },
  examples: [
    ['train experiments/mnist-cnn.ts --workers 2', 'two worker processes'],
    ['train mine.ts --seed 7 --steps 100 --json', 'for scripts'],
  ],
  run: async (args, context) => {
    const { workers, threads } = args;
    const { startNewRun } = await import('../new-run.ts');
    return startNewRun(args, { local: workers, expected: Math.max(1, workers), threads }, context);
  },
});

export const coordinator = command({
  name: 'coordinator',
  summary: 'start a run whose workers come from elsewhere',
  positionals: { experiment: experimentFile },
  options: {
    'workers-expected': wholeNumber(1, {
      describe: 'workers to wait for before the first step',
      default: 1,
    }),
    ...runOptions,
    ...networkOptions,
    ...pageOptions,
    ...displayOptions,
  },
  examples: [['coordinator mine.ts --bind tcp://10.0.0.5:7070 --keys keys', 'for other machines']],
  run: async (args, context) => {
    const { startNewRun } = await import('../new-run.ts');
    return startNewRun(args, { local: 0, expected: args.workersExpected, threads: undefined }, context);
  },
});

export const worker = command({
  name: 'worker',
  summary: 'join a coordinator',
  options: {
    join: text({ describe: 'host:port of the coordinator', isRequired: true }),
    threads: wholeNumber(1, { describe: 'compute threads (default: all cores)' }),
    keys: networkOptions.keys,
    bind: text({ describe: 'where this worker listens for other workers' }),
    advertise: text({ describe: 'host under which other workers reach it' }),
    wait: wholeNumber(0, {
      describe: 'seconds to wait for a coordinator that is not there yet; 0 tries once',
      default: 300,
    }),
  },
  examples: [['worker --join 10.0.0.5:7070 --keys keys', 'from another machine']],
  run: async (args, { terminal }) => {
    const { exitCodeOf } = await import('@lockstep/worker');
    const { endpointOf, joinAsWorker } = await import('../worker-session.ts');
    return exitCodeOf(await joinAsWorker({ ...args, join: endpointOf(args.join) }, terminal));
  },
});

export const resume = command({
  name: 'resume',
  summary: 'go on with a stopped run, or train a finished one longer, with any number of workers',
  positionals: { run: runFolder },
  options: {
    ...localOptions,
    ...lengthOptions,
    ...keepOptions,
    bind: text({
      describe: 'where workers join (default: the previous address, where its workers look for it)',
    }),
    keys: networkOptions.keys,
    ...pageOptions,
    ...displayOptions,
  },
  refused: refusals({
    ...fixedReasons(runOptions),
    batch: 'each step is made of its samples',
    data: 'the data of every worker must be those with which the run began',
    experiment: 'the run goes on with the code that it keeps in its folder',
  }),
  examples: [
    ['resume runs/2026-11-22-mnist-cnn-3f9c --workers 4', 'same result, more workers'],
    ['resume runs/2026-11-22-mnist-cnn-3f9c --epochs 20', 'train longer: 20 epochs in all'],
  ],
  run: async (args, { terminal }) => {
    const { resumeRun } = await import('../resumed-run.ts');
    return resumeRun(args, terminal);
  },
});

function fixedReasons(options: OptionTable): Record<string, string> {
  const reasons = Object.entries(options).map(([name, { fixed }]) => [name, fixed] as const);
  return Object.fromEntries(reasons.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function refusals(reasons: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(reasons).map(([name, reason]) => [
      name,
      `--${name} cannot be changed when a run is resumed: ${reason}; its length can, with --epochs or --steps; ${otherRunWith(name)}`,
    ]),
  );
}

function otherRunWith(name: string): string {
  return Object.hasOwn(branchOptions, name)
    ? `to go on with another --${name} in a run of its own, use lockstep branch`
    : `for another --${name} begin a new run with lockstep train`;
}
