/** Options that several commands share, and what they mean. */
import { availableParallelism } from 'node:os';
import { LockstepError } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import type { Options } from 'yargs';

/** What yargs gives for a number: of something else NaN, of a repeated option an array. */
function wholeNumber(name: string, least: number): (value: unknown) => number {
  return (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
    const came = Array.isArray(value)
      ? 'several values'
      : Number.isNaN(value)
        ? 'something else'
        : String(value);
    throw new LockstepError(
      'config',
      `--${name} must be one whole number of at least ${least}, not ${came}`,
      { name },
    );
  };
}

function number(name: string, least: number, describe: string) {
  return {
    type: 'number',
    requiresArg: true,
    describe,
    coerce: wholeNumber(name, least),
  } as const satisfies Options;
}

export const runOptions = {
  seed: number('seed', 0, 'every random number follows from it (default: the experiment’s, else 1)'),
  shards: number('shards', 1, 'fixed slices of a batch, a power of two (default: the experiment’s, else 8)'),
  steps: number('steps', 1, 'updates to make'),
  epochs: number('epochs', 1, 'passes over the training data'),
  'limit-samples': number('limit-samples', 1, 'train on the first N samples only'),
  'fingerprint-every': number('fingerprint-every', 1, 'steps between fingerprints in the log (default 50)'),
  'checkpoint-every': number('checkpoint-every', 1, 'steps between checkpoints (default 200)'),
  profile: {
    choices: ['auto', 'portable', 'fma'] as const satisfies readonly (Profile | 'auto')[],
    default: 'auto' as Profile | 'auto',
    describe: 'arithmetic of matmul and convolution; auto takes what all workers offer',
  },
  'run-root': { type: 'string', requiresArg: true, default: 'runs', describe: 'folder of all runs' },
  trace: {
    type: 'string',
    describe:
      'write what workers do, and when, for chrome://tracing or Perfetto (default file: the run’s trace.json)',
  },
} as const satisfies Readonly<Record<string, Options>>;

export const networkOptions = {
  bind: {
    type: 'string',
    requiresArg: true,
    default: 'tcp://127.0.0.1:0',
    describe: 'where workers join; other machines need an address of this one, and keys',
  },
  keys: { type: 'string', requiresArg: true, describe: 'folder made by `lockstep keys`' },
} as const satisfies Readonly<Record<string, Options>>;

/** A run that is resumed listens where it did before. */
export const resumeNetworkOptions = {
  bind: {
    type: 'string',
    requiresArg: true,
    describe: 'where workers join (default: the address of before, where its workers look for it)',
  },
  keys: networkOptions.keys,
} as const satisfies Readonly<Record<string, Options>>;

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
  join: { type: 'string', requiresArg: true, demandOption: true, describe: 'host:port of the coordinator' },
  threads: number('threads', 1, 'compute threads (default: all cores)'),
  keys: networkOptions.keys,
  bind: { type: 'string', requiresArg: true, describe: 'where this worker listens for other workers' },
  advertise: { type: 'string', requiresArg: true, describe: 'host under which other workers reach it' },
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
  out: { type: 'string', requiresArg: true, default: 'keys', describe: 'folder to write' },
} as const satisfies Readonly<Record<string, Options>>;

export const exportFormats = ['safetensors', 'npz', 'onnx'] as const;

export const exportOptions = {
  format: {
    choices: exportFormats,
    requiresArg: true,
    describe: 'of the file (default: as its ending says, else safetensors)',
  },
  step: number('step', 0, 'the checkpoint of this step (default: the newest)'),
  out: { type: 'string', requiresArg: true, describe: 'file to write (default: <name>-step-<n>.<format>)' },
} as const satisfies Readonly<Record<string, Options>>;

export const predictOptions = { step: exportOptions.step } as const satisfies Readonly<
  Record<string, Options>
>;

export const experimentFile = {
  type: 'string',
  demandOption: true,
  describe: 'TypeScript file that exports an experiment by default',
} as const;

export const rowsFile = {
  type: 'string',
  demandOption: true,
  describe:
    'a .csv file of the columns of the training, or an .npz, .npy or .safetensors file with an array x',
} as const;

export const runFolder = { type: 'string', demandOption: true, describe: 'folder of the run' } as const;

/** For those who mistype one. */
export const knownOptions: readonly string[] = [
  ...new Set(
    [
      runOptions,
      networkOptions,
      outputOptions,
      localOptions,
      coordinatorOptions,
      workerOptions,
      keysOptions,
      exportOptions,
    ].flatMap((options) => Object.keys(options)),
  ),
];

/** A worker's share of the cores, but no more threads than it can have shards. */
export function threadsFor(threads: number | undefined, numWorkers: number, numShards: number): number {
  if (threads !== undefined || numWorkers === 0) return threads ?? 1;
  const share = Math.floor(availableParallelism() / numWorkers);
  return Math.max(1, Math.min(share, Math.ceil(numShards / numWorkers)));
}
