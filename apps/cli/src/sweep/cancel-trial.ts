/** `lockstep sweep cancel`: ends a trial that runs, waits or comes later. */
import { LockstepError } from '@lockstep/errors';
import { readSweep, type SweepRecord } from '@lockstep/sweep';
import { exitCodes } from '../errors.ts';
import type { OutputArgs } from '../options.ts';
import { isLocked } from '../run-lock.ts';
import type { Terminal } from '../terminal.ts';
import { wishedToCancel, wishToCancel } from './cancelled.ts';
import { isOver } from './trial-table.ts';

interface CancelArgs extends OutputArgs {
  readonly folder: string;
  readonly trial: number;
}

/** Resolves with the exit code. Throws `config` for a trial that the sweep does not have or that has ended. */
export async function cancelTrial(
  { folder: given, trial, json }: CancelArgs,
  { out }: Terminal,
): Promise<number> {
  const folder = given.replace(/(?<=.)\/+$/, '');
  const sweep = await readSweep(folder, { isRunning: isLocked });
  requireCancellable(sweep, trial);
  const isKnown = wishedToCancel(folder).includes(trial);
  if (!isKnown) await wishToCancel(folder, trial);
  out.write(
    json ? `${JSON.stringify({ event: 'cancelled', trial, sweep: folder })}\n` : `  ${words(sweep, trial)}\n`,
  );
  return exitCodes.done;
}

function requireCancellable({ folder, numTrials, trials, tableSha256 }: SweepRecord, trial: number): void {
  const refuse = (message: string): never => {
    throw new LockstepError('config', message, { folder, trial });
  };
  if (trial >= numTrials) {
    refuse(
      `the sweep has ${numTrials} trials, of which the last one is ${numTrials - 1}; --trial is ${trial}`,
    );
  }
  const found = trials.find(({ number }) => number === trial);
  if (found !== undefined && isOver(found.status)) {
    refuse(`trial ${trial} is ${found.status} already, which cannot be changed`);
  }
  if (found === undefined && tableSha256 !== undefined) {
    refuse(`the sweep has ended, and its search had no trial ${trial}`);
  }
}

function words({ trials, isRunning, folder }: SweepRecord, trial: number): string {
  const status = trials.find(({ number }) => number === trial)?.status;
  if (isRunning === false)
    return `trial ${trial} is cancelled when the sweep goes on: lockstep sweep --resume ${folder}`;
  return status === 'running'
    ? `trial ${trial} is stopped now`
    : `trial ${trial} is cancelled when its turn comes`;
}
