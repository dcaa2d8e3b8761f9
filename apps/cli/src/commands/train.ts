/** `lockstep train` and `lockstep coordinator`: a new run, with or without workers on this machine. */
import { join } from 'node:path';
import type { Profile } from '@lockstep/protocol';
import { resolveConfig } from '@lockstep/training';
import { chooseDisplay, type OutputArgs } from '../display/choose.ts';
import { loadExperiment } from '../experiment-file.ts';
import { threadsFor } from '../options.ts';
import { createRunFolder, discardRun } from '../run-folder.ts';
import { whileLocked } from '../run-lock.ts';
import { runSession } from '../session.ts';
import { startTypeCheck } from '../type-check.ts';
import type { Context, Handler } from './command.ts';

interface NewRunArgs extends OutputArgs {
  readonly experiment: string;
  readonly seed?: number | undefined;
  readonly shards?: number | undefined;
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly limitSamples?: number | undefined;
  readonly fingerprintEvery?: number | undefined;
  readonly checkpointEvery?: number | undefined;
  readonly profile: Profile | 'auto';
  readonly runRoot: string;
  readonly bind: string;
  readonly keys?: string | undefined;
  /** Empty: in the run's folder. */
  readonly trace?: string | undefined;
}

export interface TrainArgs extends NewRunArgs {
  readonly workers: number;
  readonly threads?: number | undefined;
}

export interface CoordinateArgs extends NewRunArgs {
  /** Workers to wait for. */
  readonly workersExpected: number;
}

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
  const file = await loadExperiment(args.experiment);
  const config = resolveConfig(file.experiment, args);
  const opened = await createRunFolder(args.runRoot, file, config, args.profile);
  const display = chooseDisplay(terminal, args);
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
