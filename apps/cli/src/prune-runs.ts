/** Removes checkpoints or whole runs, each under the lock of its run. */
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { fileError } from '@lockstep/files';
import {
  filterRuns,
  type PruneOptions,
  type Pruning,
  planPruning,
  prune,
  readRun,
  readRuns,
} from '@lockstep/records';
import { plural } from './display/format.ts';
import { bytesText } from './display/programs.ts';
import type { OutputArgs } from './options.ts';
import { isLocked, whileLocked } from './run-lock.ts';
import type { Terminal } from './terminal.ts';

interface PruneArgs extends OutputArgs {
  readonly folder: string;
  readonly filter: string | undefined;
  readonly keep: number;
  readonly runs: boolean;
  readonly yes: boolean;
}

/** Shows what can be removed, and removes it with `--yes`; resolves with the exit code. */
export async function pruneRuns(args: PruneArgs, { out, err }: Terminal): Promise<number> {
  const { folder, filter, keep, runs: wholeRuns, yes, json } = args;
  if (wholeRuns && filter === undefined) {
    throw new LockstepError(
      'config',
      "--runs removes whole runs: say which with --filter, such as --filter 'status=finished'",
      {},
    );
  }
  const { runs, warnings } = await readRuns(folder, { isRunning: isLocked });
  for (const warning of warnings) err.write(`lockstep: ${warning}\n`);
  const selected = filter === undefined ? runs : filterRuns(runs, filter);
  let bytes = 0;
  let numRuns = 0;
  for (const run of selected) {
    const options = { keep, wholeRuns };
    const done = yes ? await pruneLocked(run.folder, options) : await plan(run.folder, options);
    const isSomething = done.isWholeRun || done.steps.length > 0;
    if (!isSomething && done.kept === undefined) continue;
    if (isSomething) numRuns++;
    bytes += done.bytes;
    out.write(json ? jsonLine(done, yes) : `${sentence(done)}\n`);
  }
  if (!json) out.write(`${summary(numRuns, bytes, yes)}\n`);
  return 0;
}

/** What can be removed of a run. Nothing if its lock does not say whether a process trains it. */
async function plan(folder: string, options: PruneOptions): Promise<Pruning> {
  const run = await readRun(folder, { isRunning: isLocked });
  if (isLocked(folder) !== undefined) return planPruning(run, options);
  const kept = `its lock is of another machine or an earlier start of this one; remove ${join(folder, 'lock')} if nothing trains it`;
  return { run, steps: [], isWholeRun: false, bytes: 0, kept };
}

/** Reads the run again under its lock: it may have gone on in the meantime. */
async function pruneLocked(folder: string, options: PruneOptions): Promise<Pruning> {
  if (isLocked(folder) !== false) return plan(folder, options);
  return whileLocked(folder, async () => {
    const planned = await plan(folder, options);
    await prune(planned).catch((cause: unknown) => {
      throw fileError(folder, cause);
    });
    return planned;
  });
}

function sentence({ run, steps, isWholeRun, bytes, kept }: Pruning): string {
  const removed = isWholeRun ? 'the whole run' : stepsText(steps);
  const what = isWholeRun || steps.length > 0 ? `${removed}, ${bytesText(bytes)}` : 'nothing';
  return `${run.id}  ${what}${kept === undefined ? '' : ` (${kept})`}`;
}

const stepsText = (steps: readonly number[]): string =>
  `${steps.length === 1 ? 'the checkpoint of step' : 'checkpoints of steps'} ${steps.join(', ')}`;

function summary(numRuns: number, bytes: number, isDone: boolean): string {
  if (numRuns === 0) return 'nothing to remove';
  const what = `${bytesText(bytes)} of ${plural(numRuns, 'run')}`;
  return isDone ? `removed ${what}` : `would remove ${what}; nothing was removed: --yes removes it`;
}

function jsonLine({ run, steps, isWholeRun, bytes, kept }: Pruning, removed: boolean): string {
  const record = { run: run.id, folder: run.folder, steps, wholeRun: isWholeRun, bytes, kept, removed };
  return `${JSON.stringify(record)}\n`;
}
