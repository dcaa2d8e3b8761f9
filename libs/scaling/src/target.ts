/** When a run reaches a target. */
import { LockstepError } from '@lockstep/errors';
import type { Direction, Evaluation } from '@lockstep/search';

export interface Target {
  readonly metric: string;
  readonly value: number;
}

/**
 * A target such as `validation/loss=0.08`.
 *
 * @throws LockstepError `config` for another form
 */
export function parseTarget(text: string): Target {
  const [, metric, amount = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  const value = Number(amount);
  if (metric !== undefined && amount.trim() !== '' && Number.isFinite(value))
    return { metric: metric.trim(), value };
  throw new LockstepError(
    'config',
    `--target must be METRIC=NUMBER, such as validation/loss=0.08, not '${text}'`,
    {
      given: text,
    },
  );
}

const reaches = (direction: Direction, value: number, target: number): boolean =>
  direction === 'minimize' ? value <= target : value >= target;

/**
 * The step at which a metric reaches the target: where the straight line between the evaluation that first reaches it and the one
 * before crosses it, so that the answer is not rounded up to a whole epoch. Undefined if no evaluation does.
 *
 * @param evaluations in ascending order of steps
 */
export function stepsToTarget(
  evaluations: readonly Evaluation[],
  target: number,
  direction: Direction,
): number | undefined {
  const at = evaluations.findIndex(({ value }) => reaches(direction, value, target));
  if (at === -1) return undefined;
  const { step, value } = evaluations[at]!;
  const before = evaluations[at - 1];
  if (before === undefined || !Number.isFinite(before.value) || value === target) return step;
  return before.step + ((step - before.step) * (before.value - target)) / (before.value - value);
}
