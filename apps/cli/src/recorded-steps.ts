/** What is said, and what is refused, before the recorded steps of a run are computed again. */
import { LockstepError } from '@lockstep/errors';
import { damagedRecord, type Evidence, type RecordedRun } from '@lockstep/replay';
import { plural } from './display/format.ts';
import { isLocked } from './run-lock.ts';
import type { Stream } from './terminal.ts';

/** Throws `config` for a run of which no step is recorded. */
export function requireRecordedSteps({ folder, firstStep }: RecordedRun, { logs }: Evidence): void {
  if (logs.lastStep > firstStep) return;
  throw new LockstepError(
    'config',
    `${folder} has recorded no step in metrics.jsonl, so there is nothing to compare with; put the file back if it was removed, or train the run with lockstep resume`,
    { folder },
  );
}

/** Throws `config` for a step behind which no step is recorded. */
export function requireStepsBehind(from: number, { folder }: RecordedRun, { logs }: Evidence): void {
  const { lastStep } = logs;
  if (from < lastStep) return;
  throw new LockstepError(
    'config',
    `--from ${from}: ${folder} has recorded ${lastStep} steps, so none is behind that step; begin with an earlier one`,
    { folder, from, lastStep },
  );
}

/** Of a run that a process trains, what is recorded so far is compared. */
export function noteTraining(stream: Stream, { folder }: RecordedRun, { logs }: Evidence): void {
  if (isLocked(folder) !== true) return;
  stream.write(`${folder} is being trained: this compares its ${plural(logs.lastStep, 'step')} so far\n`);
}

export function noteDamage(stream: Stream, evidence: Evidence): void {
  for (const damage of damagedRecord(evidence)) stream.write(`${damage}; digests in it are not compared\n`);
}
