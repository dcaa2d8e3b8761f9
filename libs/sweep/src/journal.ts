/** What a sweep writes down, one line of JSON each, so that another process can go on with it. */
import type { Assignment, RecordedTrial } from '@lockstep/search';

/** What became of a run: the values of the objectives and the steps that it made, or why it failed by itself. */
export type RunResult =
  | { readonly values: readonly number[]; readonly steps: number }
  | { readonly reason: string };

/** One run of a trial: its number, and that of the repeat; both count from 0. */
export interface RunKey {
  readonly trial: number;
  readonly repeat: number;
}

export type JournalEntry =
  /** A process goes on with the sweep. Runs that an earlier one has begun are no longer trained, and none is set aside. */
  | {
      readonly type: 'started';
      readonly time: string;
      /** Where workers join, with the real port. */
      readonly endpoint: string;
      /** The address that was asked for. */
      readonly bind: string;
      /** Whether workers need keys. */
      readonly keys: boolean;
    }
  /** A run is trained in this folder from now on. A later entry for the same repeat replaces it. */
  | ({
      readonly type: 'begun';
      readonly run: string;
      readonly generation: number;
      readonly params: Assignment;
    } & RunKey)
  /**
   * A run has ended by itself and its folder is closed. In a sweep with rungs, it has come to the rung of this number, which counts from
   * 0, or has failed before; a run that goes on later does so in the same folder.
   */
  | ({ readonly type: 'ended'; readonly rung?: number } & RunKey & RunResult)
  /** A trial is complete, pruned or failed, which is a line of the table. */
  | { readonly type: 'recorded'; readonly trial: RecordedTrial }
  /** A run has lost its workers so often that the sweep ends without it. The next process tries it again. */
  | ({ readonly type: 'setAside'; readonly reason: string } & RunKey)
  /** These failed trials are trained again, by the wish of a person: what was recorded of them before does not count. */
  | {
      readonly type: 'retried';
      readonly trials: readonly number[];
      /** All trials whose record does not count any more: these, and those that were proposed or decided because of them. */
      readonly forgotten: readonly number[];
    };

/** The entry of a line; undefined for a line of another form, which a newer version may have written. */
export function parseEntry(record: Readonly<Record<string, unknown>>): JournalEntry | undefined {
  return isEntry(record) ? (record as unknown as JournalEntry) : undefined;
}

function isEntry({ type, trial, ...record }: Readonly<Record<string, unknown>>): boolean {
  const { repeat, run, params, endpoint, bind, rung = 0, values, steps, reason, trials, forgotten } = record;
  const isOfRun = isWhole(trial) && isWhole(repeat);
  switch (type) {
    case 'started':
      return typeof endpoint === 'string' && typeof bind === 'string';
    case 'begun':
      return isOfRun && typeof run === 'string' && params !== undefined;
    case 'ended': {
      const isResult = Array.isArray(values) && isWhole(steps);
      return isOfRun && isWhole(rung) && (isResult || typeof reason === 'string');
    }
    case 'recorded': {
      const { number, params, result } = Object(trial) as Partial<RecordedTrial>;
      return isWhole(number) && params !== undefined && result !== undefined;
    }
    case 'setAside':
      return isOfRun && typeof reason === 'string';
    case 'retried':
      return [trials, forgotten].every((list) => Array.isArray(list) && list.every(isWhole));
    default:
      return false;
  }
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value);
