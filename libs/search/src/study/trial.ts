/** Trials and their results, as a sweep records them. */

import { meanAndSpread } from '../objective.ts';
import type { Assignment } from '../space/assignment.ts';

/** One assignment to be tried. */
export interface Trial<A extends Assignment = Assignment> {
  /** Counts from 0 in the order of proposals. */
  readonly number: number;
  /** The trials that were proposed from the same results. */
  readonly generation: number;
  readonly params: A;
}

/**
 * What became of a trial.
 *
 * - `complete`: it ran to its end.
 * - `pruned`: it was stopped at `steps`, because others were better there.
 * - `failed`: it failed by itself, such as by numbers that are not finite or an error of the experiment.
 * - `cancelled`: a person has ended it. Searches take it as one that failed.
 */
export type TrialStatus = 'complete' | 'pruned' | 'failed' | 'cancelled';

export interface RepeatResult {
  readonly seed: number;
  /** One for each objective, in their order. */
  readonly values: readonly number[];
}

/** Where a trial stood at a rung: the means of all its repeats after `steps` steps, one for each objective. */
export interface RungValues {
  readonly steps: number;
  readonly values: readonly number[];
}

export interface TrialResult {
  readonly status: TrialStatus;
  /** The mean over repeats, one for each objective; empty for a trial that failed or was cancelled. */
  readonly values: readonly number[];
  /** The sample standard deviation over repeats for each objective, null for a single repeat. */
  readonly spreads?: readonly (number | null)[];
  /** In the order of the sweep's repeats. */
  readonly repeats?: readonly RepeatResult[];
  /** The steps that each repeat ran. */
  readonly steps?: number;
  /** In a sweep with rungs: those that the trial has reached, in their order. */
  readonly rungs?: readonly RungValues[];
  /** Why it failed. The same words wherever the trial ran, since the table has them. */
  readonly reason?: string;
}

export interface RecordedTrial<A extends Assignment = Assignment> extends Trial<A> {
  readonly result: TrialResult;
}

/** The result of a trial from its repeats, in the order of the sweep. */
export function resultOfRepeats(
  status: 'complete' | 'pruned',
  repeats: readonly RepeatResult[],
  steps?: number,
): TrialResult {
  const numObjectives = repeats[0]?.values.length ?? 0;
  const summaries = Array.from({ length: numObjectives }, (_, i) =>
    meanAndSpread(repeats.map(({ values }) => values[i]!)),
  );
  return {
    status,
    values: summaries.map(({ mean }) => mean),
    spreads: summaries.map(({ spread }) => spread),
    repeats,
    ...(steps !== undefined && { steps }),
  };
}
