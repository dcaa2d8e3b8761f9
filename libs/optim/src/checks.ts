/** What options may be. Every message says who was called, what came and what it takes. */
import { LockstepError } from '@lockstep/errors';

const rules = {
  /** Limits, factors, divisors. */
  positive: { holds: (value: number) => value > 0, text: 'greater than 0' },
  /** Weight decays, epsilons. */
  notNegative: {
    holds: (value: number) => value >= 0 && value < Number.POSITIVE_INFINITY,
    text: 'a number ≥ 0',
  },
  /** What an average keeps from step to step. */
  decay: { holds: (value: number) => value >= 0 && value < 1, text: 'at least 0 and less than 1' },
  /** A part of a whole. */
  share: { holds: (value: number) => value >= 0 && value <= 1, text: 'from 0 to 1' },
  /** Rates at a schedule's ends. */
  finite: { holds: (value: number) => Number.isFinite(value), text: 'a finite number' },
  /** Steps that may be none. */
  steps: { holds: (value: number) => Number.isInteger(value) && value >= 0, text: 'a whole number ≥ 0' },
  /** Periods. */
  period: { holds: (value: number) => Number.isInteger(value) && value >= 1, text: 'a whole number ≥ 1' },
} as const;

/** Throws an `argument` error unless the rule holds for each value; its key is the option's name. */
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
