/** `lockstep resume`: goes on with a run from its newest checkpoint, with any number of workers, and longer if told. */
import { chooseDisplay, type OutputArgs } from '../display/choose.ts';
import { exitCodes } from '../errors.ts';
import { type lengthOptions, type localOptions, type resumeNetworkOptions, threadsFor } from '../options.ts';
import { placeOf } from '../returning.ts';
import {
  finishedEnding,
  nonFiniteEnding,
  type OpenedRun,
  openRunFolder,
  requireRunFolder,
} from '../run-folder.ts';
import { changeLength, type PlannedChange, planLength } from '../run-length.ts';
import { whileLocked } from '../run-lock.ts';
import { runSession } from '../session.ts';
import type { ArgsOf, Handler } from './command.ts';

export interface ResumeArgs
  extends ArgsOf<typeof localOptions>,
    ArgsOf<typeof lengthOptions>,
    ArgsOf<typeof resumeNetworkOptions>,
    OutputArgs {
  readonly run: string;
}

export const resume: Handler<ResumeArgs> = async (args, { terminal }) => {
  const { workers } = args;
  const folder = args.run.replace(/(?<=.)\/+$/, '');
  await requireRunFolder(folder);
  return whileLocked(folder, async () => {
    const display = chooseDisplay(terminal, args);
    const planned = await planLength(folder, args);
    const finished = planned === undefined ? await finishedEnding(folder) : undefined;
    if (finished !== undefined) {
      display.note('this run has finished already; --epochs or --steps trains it longer');
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
    const opened = await open(folder, planned);
    if (planned !== undefined) display.note(planned.note);
    return runSession({
      opened,
      localWorkers: workers,
      threads: threadsFor(args.threads, workers, opened.config.numShards),
      minWorkers: Math.max(1, workers),
      ...place,
      // Workers of the old length leave: they are not waited for.
      ...(planned !== undefined && { returning: [] }),
      notices: [...opened.notices, ...(planned === undefined ? place.notices : [])],
      keysFolder: args.keys,
      display,
      abandon: () => opened.run.close(),
    });
  });
};

async function open(folder: string, planned: PlannedChange | undefined): Promise<OpenedRun> {
  const opened = await openRunFolder(folder);
  if (planned === undefined) return opened;
  try {
    return await changeLength(opened, planned);
  } catch (error) {
    await opened.run.close();
    throw error;
  }
}
