/** The state of any step: from the nearest state before it that is saved, the steps in between are computed again. */
import { LockstepError } from '@lockstep/errors';
import type { Computation } from './computation.ts';
import type { RecordedRun } from './recorded-run.ts';

/** The step of the newest saved state up to `step`: that of a checkpoint, or the seed's. */
export function savedBefore({ checkpoints, firstStep }: RecordedRun, step: number): number {
  return checkpoints.findLast((saved) => saved <= step) ?? firstStep;
}

/**
 * Computes the state of `step`. Throws `config` for a step that the run has not or cannot have.
 *
 * @param onStep called after each step that is computed
 */
export async function computeState(
  computation: Computation,
  step: number,
  onStep: (step: number) => void = () => undefined,
): Promise<void> {
  const { run } = computation;
  const { totalSteps } = run.schedule(run.stage(step));
  if (step < run.firstStep || step > totalSteps) {
    throw new LockstepError(
      'config',
      `${run.folder} has steps ${run.firstStep} to ${totalSteps}, not ${step}`,
      { folder: run.folder, step, firstStep: run.firstStep, totalSteps },
    );
  }
  if (computation.step < 0 || computation.step > step || computation.step < savedBefore(run, step)) {
    await computation.restoreFrom(savedBefore(run, step));
  }
  while (computation.step < step) {
    const { isUpdated, nonFinite } = computation.advance();
    if (!isUpdated) {
      throw new LockstepError(
        'config',
        `${run.folder} has no state of step ${step}: step ${computation.step + 1} was not finite (${nonFinite?.what.join(', ')}), where the run stopped`,
        { folder: run.folder, step, nonFinite },
      );
    }
    onStep(computation.step);
  }
}
