/** Takes part in a run as a launcher has decided: as coordinator, as worker, or as both. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { writeAtomic } from '@lockstep/files';
import type { Context } from '../commands/command.ts';
import { exitCodes } from '../errors.ts';
import type { ArgsOf } from '../option.ts';
import type { OutputArgs } from '../options.ts';
import { finishedEnding } from '../run-folder.ts';
import { joinAsWorker } from '../worker-session.ts';
import { readAddress } from './address.ts';
import { endingOf } from './ending.ts';
import { serveJob } from './job.ts';
import type { launchOptions } from './options.ts';
import { type LaunchPlan, planLaunch } from './plan.ts';
import { type RunArgs, readRunArgs } from './run-args.ts';

export type LaunchArgs = ArgsOf<typeof launchOptions> & OutputArgs;

/** Resolves with the exit code: `exitCodes.again` where the engine asked this process to stop and may start it again. */
export async function launch(args: LaunchArgs, context: Context): Promise<number> {
  const { err } = context.terminal;
  const plan = planLaunch(process.env, args, availableParallelism());
  const run = context.rest.length > 0 ? await readRunArgs(context) : undefined;
  const keys = args.keys ?? keysOfEnvironment();
  const warning = watchForWarning();
  try {
    if (plan.role === 'worker') {
      return await work({ ...args, keys }, plan, run, warning, context);
    }
    if (run === undefined) {
      throw new LockstepError(
        'config',
        `${plan.title} starts the coordinator, and needs an experiment: lockstep launch … -- FILE`,
      );
    }
    err.write(`lockstep: ${plan.title} starts the coordinator\n`);
    const ended = await serveJob({ ...args, keys, run, plan }, context);
    const code = ended === exitCodes.interrupted && warning.signal.aborted ? exitCodes.again : ended;
    if (args.codeFile !== undefined) await writeAtomic(args.codeFile, Buffer.from(`${code}\n`));
    return code;
  } finally {
    warning.end();
  }
}

/** Secrets come in variables or in files. */
function keysOfEnvironment(): string | undefined {
  const { LOCKSTEP_KEYS: place, LOCKSTEP_SECRET: secret } = process.env;
  return place ?? (secret === undefined ? undefined : 'env:LOCKSTEP_SECRET');
}

/** Whether the engine has asked this process to stop, and not somebody at a terminal. */
function watchForWarning() {
  const warning = new AbortController();
  const warn = (): void => warning.abort();
  process.on('SIGTERM', warn).on('SIGUSR2', warn);
  return {
    signal: warning.signal,
    end: (): void => {
      process.off('SIGTERM', warn).off('SIGUSR2', warn);
    },
  };
}

async function work(
  { threads, keys, wait, bind, advertise }: LaunchArgs,
  plan: LaunchPlan,
  run: RunArgs | undefined,
  warning: { readonly signal: AbortSignal },
  { terminal }: Context,
): Promise<number> {
  const { meeting, title, job } = plan;
  const folder = meeting.type === 'folder' ? meeting.folder : job && run && join(run.runRoot, job);
  // A job that was started again after its end has no coordinator any more.
  if (folder !== undefined && existsSync(folder) && (await finishedEnding(folder)) !== undefined) {
    terminal.err.write(`lockstep: ${title}: the run ${folder} has finished already\n`);
    return exitCodes.done;
  }
  const address =
    meeting.type === 'folder'
      ? await readAddress(meeting.folder, 1_000 * wait, warning.signal)
      : `${meeting.host}:${meeting.port}`;
  if (address === undefined) return exitCodes.again;
  terminal.err.write(`lockstep: ${title} joins ${address}\n`);
  const exit = await joinAsWorker(
    {
      ...{ join: `tcp://${address}`, threads: threads ?? plan.threads, keys, wait, bind, advertise },
      isStoppedByCoordinator: plan.isStoppedByCoordinator,
    },
    terminal,
  );
  return endingOf(exit, plan, warning.signal.aborted);
}
