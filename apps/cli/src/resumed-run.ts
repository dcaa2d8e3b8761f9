/** Goes on with a run from its newest checkpoint, with any number of workers, and longer if asked. */
import type { Keep } from '@lockstep/checkpoint';
import { chooseDisplay } from './display/choose.ts';
import type { Display } from './display/display.ts';
import { exitCodes } from './errors.ts';
import { threadsFor } from './local-workers.ts';
import type { DisplayArgs } from './options.ts';
import { pageAddress } from './page.ts';
import { placeOf } from './returning.ts';
import {
  finishedEnding,
  nonFiniteEnding,
  type OpenedRun,
  openRunFolder,
  requireRunFolder,
} from './run-folder.ts';
import { type AskedLength, changeLength, type PlannedChange, planLength } from './run-length.ts';
import { whileLocked } from './run-lock.ts';
import { exitCodeOfEnding, runSession } from './session.ts';
import { existingEventFile } from './tensorboard.ts';
import type { Terminal } from './terminal.ts';

interface ResumeArgs extends AskedLength, DisplayArgs {
  readonly run: string;
  readonly workers: number;
  readonly threads: number | undefined;
  readonly bind: string | undefined;
  readonly keys: string | undefined;
  /** How many checkpoints the run keeps from now on; undefined for as many as before. */
  readonly keep: Keep | undefined;
  readonly page: string | undefined;
  /** `host:port`, as workers reach the coordinator. */
  readonly address?: string;
}

/** Trains until the run ends; resolves with the exit code. */
export async function resumeRun(args: ResumeArgs, terminal: Terminal): Promise<number> {
  const page = args.page === undefined ? undefined : pageAddress(args.page);
  const folder = await requireRunFolder(args.run);
  return whileLocked(folder, async () => {
    const display = chooseDisplay(terminal, args);
    const planned = await planLength(folder, args);
    const finished = planned === undefined ? await finishedEnding(folder) : undefined;
    if (finished !== undefined) {
      display.note('this run has finished already; --epochs or --steps trains it longer');
      display.ended({ ...finished, run: folder });
      return exitCodes.done;
    }
    await noteNonFinite(folder, display);
    const place = await placeOf(folder, args);
    const opened = await open(folder, planned, args.keep);
    if (planned !== undefined) display.note(planned.note);
    const ending = await runSession({
      opened,
      localWorkers: args.workers,
      threads: threadsFor(args.threads, args.workers, opened.config.numShards),
      minWorkers: Math.max(1, args.workers),
      address: args.address,
      ...place,
      // Workers that hold the programs of the old length leave, so the run does not wait for them.
      ...(planned !== undefined && { returning: [] }),
      notices: [...opened.notices, ...(planned === undefined ? place.notices : [])],
      keysFolder: args.keys,
      eventFile: existingEventFile({ folder, name: opened.name, config: opened.config }),
      page,
      display,
      abandon: () => opened.run.close(),
    });
    return exitCodeOfEnding(ending);
  });
}

async function noteNonFinite(folder: string, display: Display): Promise<void> {
  const stopped = await nonFiniteEnding(folder);
  if (stopped === undefined || stopped.cause === 'state') return;
  const { step, what } = stopped;
  display.note(
    `this run stopped because step ${step} was not finite (${what.join(', ')}); it goes on after step ${step - 1} and stops there again unless the machine was the cause`,
  );
}

/** The journal comes first: after its entry the run's seal does not cover the manifest any more. */
async function changeKeep({ run }: OpenedRun, keep: Keep): Promise<void> {
  await run.journal({ type: 'keepChanged', keep });
  await run.amend({ keep });
}

async function open(
  folder: string,
  planned: PlannedChange | undefined,
  keep: Keep | undefined,
): Promise<OpenedRun> {
  const opened = await openRunFolder(folder);
  try {
    if (keep !== undefined) await changeKeep(opened, keep);
    return planned === undefined ? opened : await changeLength(opened, planned);
  } catch (error) {
    await opened.run.close();
    throw error;
  }
}
