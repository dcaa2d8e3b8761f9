/** Reads the runs that a command line names. */
import { LockstepError } from '@lockstep/errors';
import { type RunRecord, readRun } from '@lockstep/records';
import { isLocked } from './run-lock.ts';
import type { Terminal } from './terminal.ts';

/** Warnings go to the errors of the terminal. Throws `config`, with the nearest folders, for one that is no run. */
export async function readRecords(
  paths: readonly string[],
  terminal: Terminal,
): Promise<readonly RunRecord[]> {
  const runs: RunRecord[] = [];
  for (const path of paths) {
    const run = await readRun(path.replace(/(?<=.)\/+$/, ''), { isRunning: isLocked }).catch(
      async (error: unknown) => {
        if (!(error instanceof LockstepError) || error.code !== 'config') throw error;
        // Its message names folders that may have been meant.
        const { requireRunFolder } = await import('./run-folder.ts');
        await requireRunFolder(path);
        throw error;
      },
    );
    for (const warning of run.warnings) terminal.err.write(`lockstep: ${warning}\n`);
    runs.push(run);
  }
  return runs;
}
