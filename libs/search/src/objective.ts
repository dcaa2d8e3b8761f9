/** What a sweep looks for: one number of a run, or several, and how repeats over seeds become one number. */
import { aString, LockstepError, oneOf, type Rules, signature } from '@lockstep/errors';

export type Direction = 'minimize' | 'maximize';

/** Which evaluation of a run counts. */
export type Over = 'last' | 'best';

export interface Objective {
  /** The name of a metric, such as `validation/loss`. */
  readonly metric: string;
  readonly direction: Direction;
  readonly over: Over;
}

export interface ObjectiveOptions {
  /**
   * Whether the last evaluation counts or the best one. The best of many evaluations is lower than the truth, more so the more
   * there are. Default: `last`.
   */
  readonly over?: Over;
}

const rules: Rules<ObjectiveOptions> = { over: oneOf('last', 'best') };

const checkMinimize = signature('minimize', { metric: aString }, rules);
/** Looks for the least value of a metric: `minimize('validation/loss')`. */
export function minimize(metric: string, options: ObjectiveOptions = {}): Objective {
  checkMinimize(metric, options);
  return { metric, direction: 'minimize', over: options.over ?? 'last' };
}

const checkMaximize = signature('maximize', { metric: aString }, rules);
/** Looks for the greatest value of a metric: `maximize('validation/accuracy')`. */
export function maximize(metric: string, options: ObjectiveOptions = {}): Objective {
  checkMaximize(metric, options);
  return { metric, direction: 'maximize', over: options.over ?? 'last' };
}

export interface Evaluation {
  readonly step: number;
  readonly value: number;
}

/**
 * The value of one run from its evaluations in ascending order of steps, up to `maxStep` if given. NaN where none is; `best`
 * passes over NaN.
 */
export function objectiveValue(
  { direction, over }: Pick<Objective, 'direction' | 'over'>,
  evaluations: readonly Evaluation[],
  maxStep = Number.POSITIVE_INFINITY,
): number {
  const values = evaluations.filter(({ step }) => step <= maxStep).map(({ value }) => value);
  switch (over) {
    case 'last':
      return values.at(-1) ?? Number.NaN;
    case 'best': {
      const comparable = values.filter((value) => !Number.isNaN(value));
      if (comparable.length === 0) return Number.NaN;
      return comparable.reduce((best, value) => (isBetter(direction, value, best) ? value : best));
    }
    default:
      return over satisfies never;
  }
}

const isBetter = (direction: Direction, a: number, b: number): boolean =>
  direction === 'minimize' ? a < b : a > b;

/** The value as something to minimise. */
export const lossOf = (direction: Direction, value: number): number =>
  direction === 'minimize' ? value : -value;

export interface MeanAndSpread {
  readonly mean: number;
  /** The sample standard deviation, with divisor n − 1; null for a single value. */
  readonly spread: number | null;
}

/** The mean of the values of repeats, and their spread; sums are in the order of the repeats. */
export function meanAndSpread(values: readonly number[]): MeanAndSpread {
  if (values.length === 0) {
    throw new LockstepError('argument', 'meanAndSpread: needs at least one value; it got none');
  }
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return { mean, spread: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  return { mean, spread: Math.sqrt(squares / (n - 1)) };
}
