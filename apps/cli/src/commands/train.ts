/** `lockstep train` and `lockstep coordinator`: a new run, with or without workers on this machine. */
import { join } from 'node:path';
import type { RunConfig } from '@lockstep/run';
import { type Experiment, resolveConfig } from '@lockstep/training';
import { chooseDisplay, type OutputArgs } from '../display/choose.ts';
import { loadExperiment } from '../experiment-file.ts';
import { notesOf } from '../notes.ts';
import {
  type coordinatorOptions,
  type localOptions,
  type networkOptions,
  type runOptions,
  threadsFor,
} from '../options.ts';
import { createRunFolder, discardRun } from '../run-folder.ts';
import { whileLocked } from '../run-lock.ts';
import { runSession } from '../session.ts';
import { startTypeCheck } from '../type-check.ts';
import { requireOrdinaryFile, requireWritableFolder } from '../writable.ts';
import type { ArgsOf, Context, Handler } from './command.ts';

interface NewRunArgs extends ArgsOf<typeof runOptions>, ArgsOf<typeof networkOptions>, OutputArgs {
  readonly experiment: string;
}

export interface TrainArgs extends NewRunArgs, ArgsOf<typeof localOptions> {}

export interface CoordinateArgs extends NewRunArgs, ArgsOf<typeof coordinatorOptions> {}

export const train: Handler<TrainArgs> = (args, context) =>
  startNewRun(
    args,
    { local: args.workers, expected: Math.max(1, args.workers), threads: args.threads },
    context,
  );

export const coordinate: Handler<CoordinateArgs> = (args, context) =>
  startNewRun(args, { local: 0, expected: args.workersExpected, threads: undefined }, context);

interface Workers {
  readonly local: number;
  readonly expected: number;
  readonly threads: number | undefined;
}

async function startNewRun(args: NewRunArgs, workers: Workers, { terminal }: Context): Promise<number> {
  await requireWritableFolder('run-root', args.runRoot);
  if (args.trace) await requireOrdinaryFile('trace', args.trace);
  const file = await loadExperiment(args.experiment);
  const config = resolveConfig(file.experiment, args);
  const notes = await oddities(file.experiment, config, args);
  const opened = await createRunFolder(args.runRoot, file, config, args.profile);
  const display = chooseDisplay(terminal, args);
  for (const note of notes) display.note(note);
  const typeCheck = startTypeCheck(file.path, file.project, display.typeErrors);
  const code = whileLocked(opened.run.folder, () =>
    runSession({
      opened,
      localWorkers: workers.local,
      threads: threadsFor(workers.threads, workers.local, config.numShards),
      minWorkers: workers.expected,
      bind: args.bind,
      keysFolder: args.keys,
      trace: args.trace === '' ? join(opened.run.folder, 'trace.json') : args.trace,
      display,
      isNew: true,
      abandon: () => discardRun(opened),
    }),
  );
  return code.finally(typeCheck.stop);
}

/** None where the data are not on this machine: what is wrong with them is told by those that train on them. */
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
