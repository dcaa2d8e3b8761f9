/** The sweep that a resume goes on with: as it began, with more trials if asked. */
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { writeAtomic } from '@lockstep/files';
import { assignBrackets } from '@lockstep/search';
import {
  defineSweep,
  describeSweep,
  numTrialsOf,
  requireSameSweep,
  type Sweep,
  type SweepManifest,
  sweepFiles,
} from '@lockstep/sweep';
import { discardTable } from './sweep-folder.ts';

/**
 * The sweep of a file, which may have been changed, with the number of trials that it has from now on. The number in the file may stay
 * as it was, or be the new one.
 *
 * @throws LockstepError `config` for a file that says something else than when the sweep began, and for a number that does not fit
 */
export function sweepToResume(
  folder: string,
  manifest: SweepManifest,
  file: Sweep,
  asked: number | undefined,
): Sweep {
  const now = numTrialsOf(manifest);
  const began = manifest.sweep.trials;
  const trials = asked ?? now;
  requireSameSweep(manifest.sweep, describeSweep({ ...file, trials: began }));
  if (![began, now, trials].includes(file.trials)) {
    throw new LockstepError(
      'config',
      `the sweep has ${now} trials, and its file now says ${file.trials}; to add trials: lockstep sweep --resume ${folder} --trials ${Math.max(file.trials, now + 1)}`,
      { folder, trials: now, now: file.trials },
    );
  }
  if (trials < now) {
    throw new LockstepError(
      'config',
      `--trials ${trials}: the sweep has ${now} trials already, and can have more, not fewer; lockstep sweep cancel ends single trials`,
      { folder, trials: now, asked: trials },
    );
  }
  if (trials > now) requireWholeBrackets(file, now);
  const { profile, ...rest } = file;
  return defineSweep({ ...withoutDerived(rest), trials, ...(profile && { profile }) });
}

/** What `defineSweep` has derived from other options. */
function withoutDerived({ objective, objectives, generation, steps, ...rest }: Omit<Sweep, 'profile'>) {
  const { stopping } = rest;
  const hasBrackets = stopping !== undefined && 'brackets' in stopping;
  return {
    ...rest,
    objectives,
    ...(!hasBrackets && { generation }),
    ...(stopping === undefined && steps !== undefined && { steps }),
  };
}

/** The trials of a bracket have been compared with each other, and those of a bracket that is not full by other rungs. */
function requireWholeBrackets({ stopping }: Sweep, trials: number): void {
  if (stopping === undefined || !('brackets' in stopping)) return;
  const last = assignBrackets(stopping, trials).at(-1)!;
  const planned = stopping.brackets[last.index]!.rungs[0]!.trials;
  if (last.trials.length === planned) return;
  throw new LockstepError(
    'config',
    `the last bracket of ${stopping.name} has ${last.trials.length} of ${planned} trials, which were compared without more: no trials can be added; begin another sweep, with a number of trials that fills its brackets`,
    { rule: stopping.name, trials, bracket: last.trials.length, planned },
  );
}

/** Records that the sweep has more trials. Its table, which is that of fewer, is removed first: the journal has all that is in it. */
export async function recordTrials(
  folder: string,
  manifest: SweepManifest,
  trials: number,
): Promise<SweepManifest> {
  if (trials === numTrialsOf(manifest)) return manifest;
  const longer: SweepManifest = { ...manifest, trials };
  await discardTable(folder);
  await writeAtomic(join(folder, sweepFiles.manifest), `${JSON.stringify(longer, null, 2)}\n`);
  return longer;
}
