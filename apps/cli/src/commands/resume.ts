/** `lockstep resume`: goes on with a run from its newest checkpoint, with any number of workers. */
import { chooseDisplay, type OutputArgs } from '../display/choose.ts';
import { exitCodes } from '../errors.ts';
import { threadsFor } from '../options.ts';
import { placeOf } from '../returning.ts';
import { finishedEnding, nonFiniteEnding, openRunFolder, requireRunFolder } from '../run-folder.ts';
import { whileLocked } from '../run-lock.ts';
import { runSession } from '../session.ts';
import type { Handler } from './command.ts';

export interface ResumeArgs extends OutputArgs {
  readonly run: string;
  readonly workers: number;
  readonly threads?: number | undefined;
  /** The address of before unless told. */
  readonly bind?: string | undefined;
  readonly keys?: string | undefined;
}

export const resume: Handler<ResumeArgs> = async (args, { terminal }) => {
  const { workers } = args;
  const folder = args.run.replace(/(?<=.)\/+$/, '');
  await requireRunFolder(folder);
  return whileLocked(folder, async () => {
    const display = chooseDisplay(terminal, args);
    const finished = await finishedEnding(folder);
    if (finished !== undefined) {
      display.note('this run has finished already');
      display.ended({ ...finished, run: folder });
      return exitCodes.done;
    }
    const stopped = await nonFiniteEnding(folder);
    if (stopped !== undefined && stopped.cause !== 'state') {
      const { step, what } = stopped;
      display.note(
        `this run stopped since step ${step} was not finite (${what.join(', ')}); it goes on after step ${step - 1}, and stops there again unless that comes from the machine`,
      );
    }
    const place = await placeOf(folder, args);
    const opened = await openRunFolder(folder);
    return runSession({
      opened,
      localWorkers: workers,
      threads: threadsFor(args.threads, workers, opened.config.numShards),
      minWorkers: Math.max(1, workers),
      ...place,
      notices: [...opened.notices, ...place.notices],
      keysFolder: args.keys,
      display,
      abandon: () => opened.run.close(),
    });
  });
};
