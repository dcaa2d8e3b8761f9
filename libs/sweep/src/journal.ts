/** What a sweep writes down, one line of JSON each, so that another process can go on with it. */
import type { Assignment, RecordedTrial } from '@lockstep/search';

/** What became of a run: the values of the objectives and the steps that it made, or why it failed by itself. */
export type RunResult =
  | { readonly values: readonly number[]; readonly steps: number }
  | { readonly reason: string };

export type JournalEntry =
  /** A process goes on with the sweep. Runs that an earlier one has begun are no longer trained. */
  | { readonly type: 'started'; readonly time: string }
  /** A run is trained in this folder from now on. A later entry for the same repeat replaces it. */
  | {
      readonly type: 'begun';
      readonly trial: number;
      readonly repeat: number;
      readonly run: string;
      readonly generation: number;
      readonly params: Assignment;
    }
  /** A run has ended by itself, and its folder is closed. */
  | ({ readonly type: 'ended'; readonly trial: number; readonly repeat: number } & RunResult)
  /** All repeats of a trial have ended. */
  | { readonly type: 'recorded'; readonly trial: RecordedTrial };

/** The entry of a line; undefined for a line of another form, which a newer version may have written. */
export function parseEntry(record: Readonly<Record<string, unknown>>): JournalEntry | undefined {
  const { type, trial, repeat, run, params, time, values, steps, reason } = record;
  const isOfRun = Number.isSafeInteger(trial) && Number.isSafeInteger(repeat);
  switch (type) {
    case 'started':
      return typeof time === 'string' ? (record as JournalEntry) : undefined;
    case 'begun':
      return isOfRun && typeof run === 'string' && params ? (record as JournalEntry) : undefined;
    case 'ended': {
      const isResult = Array.isArray(values) && Number.isSafeInteger(steps);
      return isOfRun && (isResult || typeof reason === 'string') ? (record as JournalEntry) : undefined;
    }
    case 'recorded': {
      const { number, params, result } = Object(trial) as Partial<RecordedTrial>;
      return Number.isSafeInteger(number) && params && result ? (record as JournalEntry) : undefined;
    }
    default:
      return undefined;
  }
}
