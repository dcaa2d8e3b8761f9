/** What is asked of the trials of a sweep. */
import type { Value, Values } from '../values.ts';
import {
  type ObjectiveView,
  type SweepFacts,
  type TrialStatus,
  type TrialView,
  trialStatuses,
} from './model.ts';

export interface BestSoFar {
  readonly trial: number;
  readonly value: number;
}

/** The finished trials that were better than all before them by the first objective, in the order of their numbers. */
export function bestSoFar(
  trials: readonly TrialView[],
  direction: ObjectiveView['direction'],
): readonly BestSoFar[] {
  const found: BestSoFar[] = [];
  for (const { number, status, values } of trials) {
    const [value] = values;
    if (status !== 'finished' || value === undefined || Number.isNaN(value)) continue;
    const best = found.at(-1);
    if (best === undefined || isBetter(direction, value, best.value)) found.push({ trial: number, value });
  }
  return found;
}

export const isBetter = (direction: ObjectiveView['direction'], a: number, b: number): boolean =>
  direction === 'minimize' ? a < b : a > b;

/**
 * The place of each trial among all by the first objective: 1 for the best, 0 for the worst, equal values alike. Trials
 * without a value are absent.
 */
export function standings(
  trials: readonly TrialView[],
  direction: ObjectiveView['direction'],
): ReadonlyMap<number, number> {
  const valued = trials
    .filter(({ values }) => values[0] !== undefined && !Number.isNaN(values[0]))
    .map(({ number, values }) => ({ number, value: values[0]! }));
  const distinct = [...new Set(valued.map(({ value }) => value))].sort((a, b) =>
    isBetter(direction, a, b) ? -1 : 1,
  );
  const places = new Map(
    distinct.map((value, i) => [value, distinct.length === 1 ? 1 : 1 - i / (distinct.length - 1)]),
  );
  return new Map(valued.map(({ number, value }) => [number, places.get(value)!]));
}

/** How many trials have each status. */
export function countsOf(trials: readonly TrialView[]): Readonly<Record<TrialStatus, number>> {
  const counts = Object.fromEntries(trialStatuses.map((status) => [status, 0])) as Record<
    TrialStatus,
    number
  >;
  for (const { status } of trials) counts[status]++;
  return counts;
}

/**
 * Every value by which trials are filtered and sorted. Keys of one name take precedence in this order: the trial's own (`status`),
 * its objectives, its parameters, which have the prefix `params.` too.
 */
export function trialValues({ objectives }: SweepFacts, trial: TrialView): Values {
  const { number, generation, status, steps, params, values, spread, reason } = trial;
  const own: Readonly<Record<string, Value | undefined>> = {
    ...{ trial: number, generation, status, steps, spread, reason },
  };
  const entries: (readonly [string, Value | undefined])[] = [
    ...Object.entries(params),
    ...Object.entries(params).map(([name, value]) => [`params.${name}`, value] as const),
    ...objectives.map(({ metric }, i) => [metric, values[i]] as const),
    ...Object.entries(own),
  ];
  return new Map(entries.filter((entry): entry is [string, Value] => entry[1] !== undefined));
}
