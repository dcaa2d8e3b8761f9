/** The state of any step: from the nearest state before it that is saved, the steps in between are computed again. */
import { LockstepError } from '@lockstep/errors';
import type { Computation } from './computation.ts';
import type { RecordedRun } from './recorded-run.ts';

/** The step of the newest saved state up to `step`: that of a checkpoint, or the seed's. */
export function savedBefore({ checkpoints, firstStep }: RecordedRun, step: number): number {
  return checkpoints.findLast((saved) => saved <= step) ?? firstStep;
}

/** A saved state that could not be used, and the reason. */
export interface SkippedState {
  readonly step: number;
  readonly reason: string;
}

/**
 * Takes the newest saved state up to `step` that can be used, unless the current state is as near. A checkpoint that is damaged
 * is skipped: an older one gives the same state, after more steps. Throws `checkpoint` if the oldest cannot be used either.
 */
export async function restoreBefore(
  computation: Computation,
  step: number,
): Promise<readonly SkippedState[]> {
  const { run } = computation;
  const at = computation.step <= step ? computation.step : -1;
  const saved = [...new Set([run.firstStep, ...run.checkpoints])].filter((one) => one > at && one <= step);
  const skipped: SkippedState[] = [];
  for (const one of saved.sort((a, b) => b - a)) {
    try {
      await computation.restoreFrom(one);
      return skipped;
    } catch (error) {
      const isDamaged = error instanceof LockstepError && error.code === 'checkpoint';
      if (!isDamaged || (one === run.firstStep && at < 0)) throw error;
      skipped.push({ step: one, reason: error.message });
    }
  }
  return skipped;
}

/** Throws `config` unless `step` is a state of the run. */
export function requireState(run: RecordedRun, step: number): void {
  const { folder, firstStep } = run;
  const { totalSteps } = run.schedule(run.stage(step));
  if (step >= firstStep && step <= totalSteps) return;
  throw new LockstepError('config', `${folder} has steps ${firstStep} to ${totalSteps}, not ${step}`, {
    ...{ folder, step, firstStep, totalSteps },
  });
}

/**
 * Computes the state of `step`, from the newest saved state or the current one. Throws `config` for a step that the run has not
 * or cannot have.
 *
 * @param onStep called after each step that is computed
 */
export async function computeState(
  computation: Computation,
  step: number,
  onStep: (step: number) => void = () => undefined,
): Promise<void> {
  requireState(computation.run, step);
  await restoreBefore(computation, step);
  computeUntil(computation, step, onStep);
}

/** Goes on from the current state to that of `step`. Throws `config` where the run stopped because a step was not finite. */
export function computeUntil(computation: Computation, step: number, onStep: (step: number) => void): void {
  const { folder } = computation.run;
  while (computation.step < step) {
    const { isUpdated, nonFinite } = computation.advance();
    if (!isUpdated) {
      throw new LockstepError(
        'config',
        `${folder} has no state of step ${step}: step ${computation.step + 1} was not finite (${nonFinite?.what.join(', ')}), where the run stopped`,
        { folder, step, nonFinite },
      );
    }
    onStep(computation.step);
  }
}
