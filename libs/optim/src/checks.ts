/** Ranges of options. Messages name the function, the value and the range. */
import { LockstepError } from '@lockstep/errors';

const rules = {
  /** Limits, factors, divisors. */
  positive: { holds: (value: number) => value > 0, text: 'greater than 0' },
  /** Weight decays, epsilons. */
  notNegative: {
    holds: (value: number) => value >= 0 && value < Number.POSITIVE_INFINITY,
    text: 'a number ≥ 0',
  },
  /** Decays of averages. */
  decay: { holds: (value: number) => value >= 0 && value < 1, text: 'at least 0 and less than 1' },
  /** Fractions. */
  share: { holds: (value: number) => value >= 0 && value <= 1, text: 'from 0 to 1' },
  /** First and last rates of schedules. */
  finite: { holds: (value: number) => Number.isFinite(value), text: 'a finite number' },
  /** Numbers of steps, including 0. */
  steps: { holds: (value: number) => Number.isInteger(value) && value >= 0, text: 'a whole number ≥ 0' },
  /** Periods. */
  period: { holds: (value: number) => Number.isInteger(value) && value >= 1, text: 'a whole number ≥ 1' },
} as const;

/** Throws `argument` unless the rule holds for each value. The keys are the options' names. */
export function check(
  owner: string,
  rule: keyof typeof rules,
  values: Readonly<Record<string, number>>,
): void {
  const { holds, text } = rules[rule];
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && holds(value)) continue;
    throw new LockstepError('argument', `${owner}: ${name} is ${value}; it must be ${text}`, {
      owner,
      name,
      value,
    });
  }
}
