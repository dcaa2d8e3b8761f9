/** The state of any step: from the nearest state before it that is saved, the steps in between are computed again. */
import { LockstepError } from '@lockstep/errors';
import { type Comparison, compareWith, type Parting } from './comparison.ts';
import type { Computation, ComputedStep } from './computation.ts';
import type { RecordedRun } from './recorded-run.ts';
import type { RunLogs } from './run-logs.ts';

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
  onStep: (computed: ComputedStep) => void = () => undefined,
): Promise<void> {
  requireState(computation.run, step);
  await restoreBefore(computation, step);
  computeUntil(computation, step, onStep);
}

/** Goes on from the current state to that of `step`. Throws `config` where the run stopped because a step was not finite. */
export function computeUntil(
  computation: Computation,
  step: number,
  onStep: (computed: ComputedStep) => void,
): void {
  const { folder } = computation.run;
  while (computation.step < step) {
    const computed = computation.advance();
    const { isUpdated, nonFinite } = computed;
    if (!isUpdated) {
      throw new LockstepError(
        'config',
        `${folder} has no state of step ${step}: step ${computation.step + 1} was not finite (${nonFinite?.what.join(', ')}), where the run stopped`,
        { folder, step, nonFinite },
      );
    }
    onStep(computed);
  }
}

/** Told while a state is computed. */
export interface StateWatch {
  /** Before the steps after `from` are computed. */
  onStart?(from: number): void | Promise<void>;
  onStep?(step: number): void;
}

/**
 * Computes the state of `step` as the run had it: every step that is computed again is compared with the logs. Throws as
 * {@link computeState} does, `config` for a step that is not done yet, and `checkpoint` where a step parts from the logs.
 */
export async function computeRecordedState(
  computation: Computation,
  step: number,
  logs: RunLogs,
  watch: StateWatch = {},
): Promise<readonly SkippedState[]> {
  const { run } = computation;
  requireState(run, step);
  if (step > logs.lastStep) {
    throw new LockstepError('config', `${run.folder} has done ${logs.lastStep} steps so far, not ${step}`, {
      ...{ folder: run.folder, step, lastStep: logs.lastStep },
    });
  }
  const skipped = await restoreBefore(computation, step);
  const from = computation.step;
  // A state has its chain from the file of its checkpoint.
  const recorded = logs.steps.get(from)?.chain;
  const { chain } = computation.progress;
  if (recorded !== undefined && recorded !== chain)
    throw hasParted(run, step, { step: from, what: 'chain', recorded, computed: chain });
  await watch.onStart?.(from);
  const comparison = compareWith(logs);
  computeUntil(computation, step, (computed) => {
    const parting = partingOfStep(comparison, computed, computation.progress.chain);
    if (parting !== undefined) throw hasParted(run, step, parting);
    watch.onStep?.(computed.step);
  });
  return skipped;
}

/** Compares a step that was computed again with the logs. */
export function partingOfStep(
  comparison: Comparison,
  computed: ComputedStep,
  chain: string,
): Parting | undefined {
  const { step, metrics, fingerprint, stateHash, evaluation, nonFinite } = computed;
  const report = { metrics, fingerprint, stateHash, chain, nonFinite: nonFinite?.what };
  return (
    comparison.step(step, report) ??
    (evaluation && comparison.evaluation(step, false, { metrics: evaluation }))
  );
}

function hasParted(run: RecordedRun, wanted: number, parting: Parting): LockstepError {
  const { step, what, recorded, computed } = parting;
  const changed = run.changes.map((change) => change.what).join(' and ');
  const since = changed === '' ? '' : ` (changed since: ${changed})`;
  return new LockstepError(
    'checkpoint',
    `the state of step ${wanted} cannot be computed again: step ${step} of ${run.folder} has the ${what} ${recorded}, and computes ${computed} here${since}; lockstep diff ${run.folder} shows where they part`,
    { folder: run.folder, ...parting },
  );
}
