/** A sweep's folder as plain data, for tables and pages. */
import type { Assignment, Objective, RungValues } from '@lockstep/search';
import type { SweepManifest } from './manifest.ts';

/**
 * - `waiting`: it was begun and nobody trains it now, because the sweep was stopped, or the trials that it is compared with come first.
 * - `running`: at least one of its repeats is trained now.
 * - `finished`: all its repeats ran to their end.
 * - `failed`: it failed by itself; `reason` says why.
 * - `pruned`: it was stopped early, because others were better at the same step.
 * - `cancelled`: a user has ended it.
 * - `setAside`: it lost its workers again and again, so the sweep goes on without it; `reason` says more.
 */
export type TrialState = 'waiting' | 'running' | 'finished' | 'failed' | 'pruned' | 'cancelled' | 'setAside';

/** One run of a trial. */
export interface RepeatRecord {
  readonly seed: number;
  /** The path of its run folder; undefined where none was made. */
  readonly run?: string;
  /** Updates that are done, as far as its logs say. */
  readonly step: number;
  /** Updates that the run makes in all, once it has made one. */
  readonly totalSteps?: number;
  /** One for each objective, once it has ended or is at a rung. */
  readonly values?: readonly number[];
  /** Why it failed. */
  readonly reason?: string;
}

export interface TrialRecord {
  /** Counts from 0. */
  readonly number: number;
  readonly generation?: number;
  readonly params: Assignment;
  readonly status: TrialState;
  /** The mean over repeats by the first objective, once the trial is recorded with one. */
  readonly value?: number;
  /** The sample standard deviation of `value` over repeats, where there are several. */
  readonly spread?: number;
  /** Means for each objective; empty without values. */
  readonly values: readonly number[];
  /** In a sweep with rungs: those that it has reached, once it is recorded. */
  readonly rungs?: readonly RungValues[];
  readonly reason?: string;
  /** In the order of their seeds, without those that were not begun. */
  readonly repeats: readonly RepeatRecord[];
}

export interface SweepRecord {
  readonly folder: string;
  readonly manifest: SweepManifest;
  readonly objectives: readonly Objective[];
  /** The number of trials that the sweep has; a search that has no more assignments ends earlier. */
  readonly numTrials: number;
  /** Trials that were begun, in the order of their numbers. */
  readonly trials: readonly TrialRecord[];
  /** The number of the best finished trial by the first objective; the lower number wins a tie. */
  readonly best?: number;
  /** The SHA-256 of the table, which is written at the sweep's end. */
  readonly tableSha256?: string;
  /** Whether a process trains the sweep; undefined where nobody can say. */
  readonly isRunning?: boolean;
  /** What is damaged in the folder, a sentence each. */
  readonly warnings: readonly string[];
}
