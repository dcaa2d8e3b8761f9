/** Options that several commands share, and what they mean. */
import { availableParallelism } from 'node:os';
import { LockstepError, nearNames } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import type { Options } from 'yargs';
import { quoted } from './display/format.ts';

/** One whole number. Given as text, so that a message can quote what came. */
function wholeNumber(name: string, least: number): (value: unknown) => number {
  return (value) => {
    // A default.
    if (typeof value === 'number') return value;
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    if (Number.isSafeInteger(number) && number >= least) return number;
    const most = number > Number.MAX_SAFE_INTEGER ? ` and at most ${Number.MAX_SAFE_INTEGER}` : '';
    const rule = `one whole number of at least ${least}${most}`;
    throw new LockstepError('config', `--${name} must be ${rule}, not ${describeGiven(value)}`, {
      name,
      value,
    });
  };
}

function number(name: string, least: number, describe: string) {
  return {
    // Shown as a number, parsed as the text that it is.
    number: true,
    string: true,
    requiresArg: true,
    describe,
    coerce: wholeNumber(name, least),
  } as const satisfies Options;
}

/** One piece of text, which `fits` may narrow. */
function oneText(name: string, fits: (value: string) => boolean = (value) => value !== '') {
  return (value: unknown): string => {
    if (typeof value === 'string' && fits(value)) return value;
    throw new LockstepError('config', `${name} must be one value, not ${describeGiven(value)}`, {
      name,
      value,
    });
  };
}

function text(name: string, describe: string) {
  return {
    type: 'string',
    requiresArg: true,
    describe,
    coerce: oneText(`--${name}`),
  } as const satisfies Options;
}

/** An argument that is named by its place. */
function positional(name: string, describe: string) {
  return { type: 'string', demandOption: true, describe, coerce: oneText(`<${name}>`) } as const;
}

/** One of some names. */
function choice<Name extends string>(name: string, choices: readonly Name[], describe: string) {
  const coerce = (value: unknown): Name => {
    const found = choices.find((one) => one === value);
    if (found !== undefined) return found;
    throw new LockstepError(
      'config',
      `--${name} must be one of ${choices.join(', ')}, not ${describeGiven(value)}${didYouMean(value, choices)}`,
      { name, value, choices },
    );
  };
  return { choices, requiresArg: true, describe, coerce } as const satisfies Options;
}

function didYouMean(value: unknown, names: readonly string[]): string {
  const near = typeof value === 'string' ? nearNames(value, names, 2) : [];
  return near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
}

/** What yargs gives: of a repeated option an array, of `--no-seed` false. */
function describeGiven(value: unknown): string {
  if (Array.isArray(value)) return `several values (${value.map(quoted).join(', ')})`;
  return quoted(value);
}

/** How long a run is. */
export const lengthOptions = {
  steps: number('steps', 1, 'updates to make, in all'),
  epochs: number('epochs', 1, 'passes over the training data, in all'),
} as const satisfies Readonly<Record<string, Options>>;

export const runOptions = {
  seed: number('seed', 0, 'every random number follows from it (default: the experiment’s, else 1)'),
  shards: number('shards', 1, 'fixed slices of a batch, a power of two (default: the experiment’s, else 8)'),
  ...lengthOptions,
  'limit-samples': number('limit-samples', 1, 'train on the first N samples only'),
  'fingerprint-every': number('fingerprint-every', 1, 'steps between fingerprints in the log (default 50)'),
  'checkpoint-every': number('checkpoint-every', 1, 'steps between checkpoints (default 200)'),
  profile: {
    ...choice(
      'profile',
      ['auto', 'portable', 'fma'] as const satisfies readonly (Profile | 'auto')[],
      'arithmetic of matmul and convolution; auto takes what all workers offer',
    ),
    default: 'auto',
  },
  'run-root': { ...text('run-root', 'folder of all runs'), default: 'runs' },
  trace: {
    type: 'string',
    // Empty: the file of the run.
    coerce: oneText('--trace', () => true),
    describe:
      'write what workers do, and when, for chrome://tracing or Perfetto (default file: the run’s trace.json)',
  },
} as const satisfies Readonly<Record<string, Options>>;

export const networkOptions = {
  bind: {
    ...text('bind', 'where workers join; other machines need an address of this one, and keys'),
    default: 'tcp://127.0.0.1:0',
  },
  keys: text('keys', 'folder made by `lockstep keys`'),
} as const satisfies Readonly<Record<string, Options>>;

/** A run that is resumed listens where it did before. */
export const resumeNetworkOptions = {
  bind: text('bind', 'where workers join (default: the address of before, where its workers look for it)'),
  keys: networkOptions.keys,
} as const satisfies Readonly<Record<string, Options>>;

/** Why a run that goes on keeps what it began with. */
const fixed = {
  seed: 'every random number of the run follows from it',
  batch: 'its samples are what a step is made of',
  'batch-size': 'its samples are what a step is made of',
  shards: 'sums are combined along the tree of shards',
  'limit-samples': 'the order of the samples follows from their number',
  data: 'every worker is held against the data with which the run began',
  experiment: 'the run goes on with the code that it keeps in its folder',
  profile: 'it is the arithmetic in which the parameters came to be',
  'fingerprint-every': 'the chain of fingerprints is made at these steps',
  'checkpoint-every': 'it is part of the configuration with which the run began',
  'run-root': 'the run stays in its folder',
} as const;

/** Not options of `resume`, and none that it does not know: each says why it cannot be given. */
export const fixedOptions: Readonly<Record<string, Options>> = Object.fromEntries(
  Object.entries(fixed).map(([name, reason]) => [name, refused(name, reason)]),
);

function refused(name: string, reason: string): Options {
  const message = `--${name} cannot be changed when a run is resumed: ${reason}; what can be is its length, with --epochs or --steps; for another --${name} begin a new run with lockstep train`;
  return {
    hidden: true,
    coerce: () => {
      throw new LockstepError('config', message, { name });
    },
  };
}

/** Of every command. */
export const outputOptions = {
  json: { type: 'boolean', default: false, describe: 'one JSON object a line on stdout, and nothing else' },
  verbose: { type: 'boolean', default: false, describe: 'show where errors come from' },
} as const satisfies Readonly<Record<string, Options>>;

export const localOptions = {
  workers: {
    ...number('workers', 0, 'worker processes on this machine; 0 waits for others to join'),
    default: 1,
  },
  threads: number('threads', 1, 'compute threads of each worker (default: its share of the cores)'),
} as const satisfies Readonly<Record<string, Options>>;

export const coordinatorOptions = {
  'workers-expected': {
    ...number('workers-expected', 1, 'workers to wait for before the first step'),
    default: 1,
  },
} as const satisfies Readonly<Record<string, Options>>;

export const workerOptions = {
  join: { ...text('join', 'host:port of the coordinator'), demandOption: true },
  threads: number('threads', 1, 'compute threads (default: all cores)'),
  keys: networkOptions.keys,
  bind: text('bind', 'where this worker listens for other workers'),
  advertise: text('advertise', 'host under which other workers reach it'),
  wait: {
    ...number('wait', 0, 'seconds to wait for a coordinator that is not there yet; 0 tries once'),
    default: 300,
  },
} as const satisfies Readonly<Record<string, Options>>;

export const explainOptions = {
  shards: runOptions.shards,
  'limit-samples': runOptions['limit-samples'],
} as const satisfies Readonly<Record<string, Options>>;

export const keysOptions = {
  out: { ...text('out', 'folder to write'), default: 'keys' },
} as const satisfies Readonly<Record<string, Options>>;

export const exportFormats = ['safetensors', 'npz', 'onnx'] as const;

export const exportOptions = {
  format: choice('format', exportFormats, 'of the file (default: as its ending says, else safetensors)'),
  step: number('step', 0, 'the checkpoint of this step (default: the newest)'),
  out: text('out', 'file to write (default: <name>-step-<n>.<format>)'),
} as const satisfies Readonly<Record<string, Options>>;

export const predictOptions = { step: exportOptions.step } as const satisfies Readonly<
  Record<string, Options>
>;

export const experimentFile = positional(
  'experiment',
  'TypeScript file that exports an experiment by default',
);

export const rowsFile = positional(
  'file',
  'a .csv file of the columns of the training, or an .npz, .npy or .safetensors file with an array x',
);

export const runFolder = positional('run', 'folder of the run');

export const shells = ['bash', 'zsh'] as const;

export const completionShell = {
  type: 'string',
  choices: shells,
  describe: 'for which shell (default: as $SHELL says, else bash)',
} as const;

export const helpCommand = {
  type: 'string',
  describe: 'whose options to show (default: all commands)',
} as const;

/** A worker's share of the cores, but no more threads than it can have shards. */
export function threadsFor(threads: number | undefined, numWorkers: number, numShards: number): number {
  if (threads !== undefined || numWorkers === 0) return threads ?? 1;
  const share = Math.floor(availableParallelism() / numWorkers);
  return Math.max(1, Math.min(share, Math.ceil(numShards / numWorkers)));
}
