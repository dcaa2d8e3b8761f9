/** Options and positional arguments that several commands share. */
import type { Profile } from '@lockstep/protocol';
import type { RecordMode } from '@lockstep/tracking';
import {
  type ArgsOf,
  choice,
  flag,
  type OptionTable,
  text,
  texts,
  wholeNumber,
  wholeNumberOr,
} from './option.ts';

/** Options for the length of a run. */
export const lengthOptions = {
  steps: wholeNumber(1, { describe: 'updates to make, in all' }),
  epochs: wholeNumber(1, { describe: 'passes over the training data, in all' }),
} satisfies OptionTable;

/** Values of declared parameters. */
export const parameterOptions = {
  set: texts({
    describe:
      'NAME=VALUE: a parameter that the experiment declares; may be repeated (`help train FILE` lists them)',
    fixed: 'the run goes on with the parameters with which it began',
  }),
} satisfies OptionTable;

/** Options for what a new run writes beside its records. */
export const outsideOptions = {
  trace: text({
    describe:
      'write what workers do, and when, for chrome://tracing or Perfetto (default file: the run’s trace.json)',
    mayBeBare: true,
  }),
  tensorboard: flag('write an event file into the run folder, for tensorboard --logdir runs'),
} satisfies OptionTable;

/** How many checkpoints a run keeps, for a new run and for one that goes on. */
const keepOption = (otherwise: string) =>
  wholeNumberOr(1, 'all', {
    describe: `checkpoints that stay, or all: the newest three and older ones at even distances (default${otherwise})`,
  });

export const keepOptions = { keep: keepOption(': as many as before') } satisfies OptionTable;

/** Options of a new run. */
export const runOptions = {
  ...parameterOptions,
  seed: wholeNumber(0, {
    describe: 'every random number follows from it (default: the experiment’s, else 1)',
    fixed: 'every random number of the run follows from it',
  }),
  'batch-size': wholeNumber(1, {
    describe: 'samples of one step, over all workers (default: the experiment’s)',
    fixed: 'each step is made of its samples',
  }),
  shards: wholeNumber(1, {
    describe: 'fixed slices of a batch, a power of two (default: the experiment’s, else 8)',
    fixed: 'sums are combined along the tree of shards',
  }),
  ...lengthOptions,
  'limit-samples': wholeNumber(1, {
    describe: 'train on the first N samples only',
    fixed: 'the order of the samples follows from their number',
  }),
  'fingerprint-every': wholeNumber(1, {
    describe: 'steps between fingerprints in the log (default 50)',
    fixed: 'the chain of fingerprints is made at these steps',
  }),
  'checkpoint-every': wholeNumber(1, {
    describe: 'steps between checkpoints (default 200)',
    fixed: 'it is part of the configuration with which the run began',
  }),
  keep: keepOption(' 10'),
  record: choice(['auto', 'off', 'chain', 'full'] as const satisfies readonly RecordMode[], {
    describe:
      'digests of each step: none, one of the model, or one of every array; auto: full where that costs about 1 %, else chain',
    default: 'auto',
    fixed: 'the steps of a run have one record',
  }),
  histograms: flag('at fingerprint steps, histograms of parameters, gradients and updates', {
    fixed: 'the steps of a run have one record',
  }),
  profile: choice(['auto', 'portable', 'fma'] as const satisfies readonly (Profile | 'auto')[], {
    describe: 'arithmetic of matmul and convolution; auto takes what all workers offer',
    default: 'auto',
    fixed: 'it is the arithmetic in which the parameters were computed',
  }),
  'run-root': text({
    describe: 'folder of all runs',
    default: 'runs',
    fixed: 'the run stays in its folder',
  }),
  ...outsideOptions,
} satisfies OptionTable;

/** Options for the network of a new run. */
export const networkOptions = {
  bind: text({
    describe: 'where workers join; other machines need an address of this one, and keys',
    default: 'tcp://127.0.0.1:0',
  }),
  keys: text({ describe: 'folder made by `lockstep keys`' }),
} satisfies OptionTable;

/** The page of a run that this command trains. */
export const pageOptions = {
  page: text({
    describe: 'serve a page of the run at a port (default: a free one) or an address such as 0.0.0.0:8080',
    mayBeBare: true,
  }),
} satisfies OptionTable;

/** What people see of a run. */
export const displayOptions = {
  quiet: flag('show addresses, warnings and the result alone; changes nothing with --json'),
} satisfies OptionTable;

/** Options for workers that the command starts on this machine. */
export const localOptions = {
  workers: wholeNumber(0, {
    describe: 'worker processes on this machine; 0 waits for others to join',
    default: 1,
  }),
  threads: wholeNumber(1, { describe: 'compute threads of each worker (default: its share of the cores)' }),
} satisfies OptionTable;

/** Options of a branch: what is not given stays as its parent has it. */
export const branchOptions = {
  step: wholeNumber(1, { describe: 'the step after which the branch begins', isRequired: true }),
  ...parameterOptions,
  seed: wholeNumber(0, { describe: 'every later random number follows from it' }),
  'batch-size': wholeNumber(1, {
    describe: 'samples of one step; the branch then begins at the end of an epoch',
  }),
  shards: wholeNumber(1, { describe: 'fixed slices of a batch, a power of two' }),
  ...lengthOptions,
  'fingerprint-every': wholeNumber(1, { describe: 'steps between fingerprints in the log' }),
  'checkpoint-every': wholeNumber(1, { describe: 'steps between checkpoints' }),
  keep: runOptions.keep,
  record: runOptions.record,
  histograms: runOptions.histograms,
  'run-root': text({ describe: 'folder of the new run (default: that in which the run is)' }),
  ...outsideOptions,
} satisfies OptionTable;

/** Options of a replay. */
export const replayOptions = {
  workers: wholeNumber(1, { describe: 'worker processes, of any number', default: 1 }),
  threads: localOptions.threads,
  from: wholeNumber(0, {
    describe: 'begin at the last checkpoint up to this step (default: at the beginning)',
  }),
  until: wholeNumber(1, { describe: 'end after this step (default: the last one that is recorded)' }),
  'keep-in': text({ describe: 'keep the folder of the replay in this folder (default: it is removed)' }),
} satisfies OptionTable;

/** Threads of a command that computes intervals between saved states. */
export const intervalOptions = {
  threads: wholeNumber(1, {
    describe:
      'threads that compute parts of the run between saved states; each loads the data (default: all cores)',
  }),
} satisfies OptionTable;

/** Options for the checkpoint of a run. */
export const checkpointOptions = {
  step: wholeNumber(0, { describe: 'the checkpoint of this step (default: the newest)' }),
} satisfies OptionTable;

/** The formats of `lockstep export`, named as their files end. */
export const exportFormats = ['safetensors', 'npz', 'onnx'] as const;

export type ExportFormat = (typeof exportFormats)[number];

/** Options of every command. */
export const outputOptions = {
  json: flag('one JSON object a line on stdout, and nothing else'),
  verbose: flag('show where errors come from'),
} satisfies OptionTable;

export type OutputArgs = ArgsOf<typeof outputOptions>;

/** Of a command that shows a run. */
export type DisplayArgs = OutputArgs & ArgsOf<typeof displayOptions>;

export const experimentFile = text({
  describe: 'TypeScript file that exports an experiment by default',
  isRequired: true,
});

export const runFolder = text({ describe: 'folder of the run', isRequired: true });
