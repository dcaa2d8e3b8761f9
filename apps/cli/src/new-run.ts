/** Starts a new run, with or without workers on this machine. */
import { join } from 'node:path';
import type { RunConfig } from '@lockstep/run';
import { type Experiment, resolveConfig } from '@lockstep/training';
import type { Context } from './commands/command.ts';
import { chooseDisplay } from './display/choose.ts';
import type { Display } from './display/display.ts';
import { loadExperiment } from './experiment-file.ts';
import { threadsFor } from './local-workers.ts';
import { notesOf } from './notes.ts';
import type { ArgsOf } from './option.ts';
import type { DisplayArgs, networkOptions, outsideOptions, pageOptions, runOptions } from './options.ts';
import { pageAddress } from './page.ts';
import { createRunFolder, discardRun, type OpenedRun } from './run-folder.ts';
import { whileLocked } from './run-lock.ts';
import { exitCodeOfEnding, runSession } from './session.ts';
import { eventFileOf } from './tensorboard.ts';
import { startTypeCheck } from './type-check.ts';
import { requireOrdinaryFile, requireWritableFolder } from './writable.ts';

interface NewRunArgs
  extends ArgsOf<typeof runOptions>,
    ArgsOf<typeof networkOptions>,
    ArgsOf<typeof pageOptions>,
    DisplayArgs {
  readonly experiment: string;
}

export interface Workers {
  /** Workers that this command starts. */
  readonly local: number;
  /** Workers to wait for before the first step. */
  readonly expected: number;
  /** Compute threads of each local worker; undefined for a share of the cores. */
  readonly threads: number | undefined;
}

/** Begins a run of an experiment file and trains until it ends; resolves with the exit code. */
export async function startNewRun(
  args: NewRunArgs,
  workers: Workers,
  { terminal, argv }: Pick<Context, 'terminal' | 'argv'>,
): Promise<number> {
  await requireWritableFolder('run-root', args.runRoot);
  // A mistake in it is found before anything is made.
  if (args.page !== undefined) pageAddress(args.page);
  if (args.trace) await requireOrdinaryFile('trace', args.trace);
  const file = await loadExperiment(args.experiment, args.set);
  const config = resolveConfig(file.experiment, { ...args, params: file.params });
  const notes = await oddities(file.experiment, config, args);
  const { keep, record, histograms } = args;
  const facts = { command: argv, keep, record, histograms };
  const opened = await createRunFolder(args.runRoot, file, config, args.profile, facts);
  const display = chooseDisplay(terminal, args);
  for (const note of notes) display.note(note);
  const typeCheck = startTypeCheck(file.path, file.project, display.typeErrors);
  return trainNewRun(opened, metricsOf(file.experiment), workers, args, display).finally(typeCheck.stop);
}

type TrainingArgs = ArgsOf<typeof networkOptions> &
  ArgsOf<typeof outsideOptions> &
  Partial<ArgsOf<typeof pageOptions>>;

/** Names of the metrics that an experiment declares. */
export const metricsOf = ({ metrics = {} }: Experiment): readonly string[] => Object.keys(metrics);

/** Trains a run whose folder is new until it ends; resolves with the exit code. `metrics`: those of its experiment. */
export async function trainNewRun(
  opened: OpenedRun,
  metrics: readonly string[],
  workers: Workers,
  args: TrainingArgs,
  display: Display,
): Promise<number> {
  const { name, config, run } = opened;
  const { folder } = run;
  const ending = await whileLocked(folder, () =>
    runSession({
      opened,
      localWorkers: workers.local,
      threads: threadsFor(workers.threads, workers.local, config.numShards),
      minWorkers: workers.expected,
      bind: args.bind,
      keysFolder: args.keys,
      trace: args.trace === '' ? join(folder, 'trace.json') : args.trace,
      eventFile: args.tensorboard ? eventFileOf({ folder, name, config, metrics }) : undefined,
      page: args.page === undefined ? undefined : pageAddress(args.page),
      display,
      isNew: true,
      abandon: () => discardRun(opened),
    }),
  );
  return exitCodeOfEnding(ending);
}

/** Notes on the experiment and its data. None if the data cannot be loaded here: the workers that need them report the reason. */
async function oddities(
  experiment: Experiment,
  config: RunConfig,
  args: NewRunArgs,
): Promise<readonly string[]> {
  try {
    const dataset = await experiment.data.load({ limitSamples: config.limitSamples ?? undefined });
    return notesOf(experiment, dataset, config, args);
  } catch {
    return [];
  }
}
