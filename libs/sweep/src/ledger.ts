/** Which runs a sweep still needs, and what became of the others: a machine that is begun from the entries of a journal. */
import { invariant } from '@lockstep/errors';
import {
  type Assignment,
  createStudy,
  type RecordedTrial,
  resultOfRepeats,
  type Study,
  type Trial,
  type TrialResult,
  tableOf,
} from '@lockstep/search';
import type { Sweep } from './definition.ts';
import type { JournalEntry, RunResult } from './journal.ts';

/** One run of a trial. */
export interface SweepRun {
  readonly trial: number;
  /** Counts from 0. */
  readonly repeat: number;
  readonly seed: number;
  readonly generation: number;
  readonly params: Assignment;
  /** The folder in which an earlier process began it. */
  readonly begun?: string;
}

export interface Ledger {
  /** The next run; `wait` if others must end first; `done` if there are no more. */
  next(): SweepRun | 'wait' | 'done';
  /** Records the result of a run; returns the entries for the journal. Runs may end in any order. */
  ended(run: Pick<SweepRun, 'trial' | 'repeat'>, result: RunResult): readonly JournalEntry[];
  recorded(): readonly RecordedTrial[];
  best(): RecordedTrial | undefined;
  /** The lines of `table.jsonl`. */
  table(): string;
}

/** @throws LockstepError `config` for recorded trials that the sweep would not propose. */
export const createLedger = (sweep: Sweep, entries: readonly JournalEntry[] = []): Ledger =>
  new Machine(sweep, entries);

class Machine implements Ledger {
  readonly #sweep: Sweep;
  readonly #study: Study;
  /** Of trials that are not complete, by trial and repeat. */
  readonly #results = new Map<string, RunResult>();
  readonly #begun = new Map<string, string>();
  readonly #asked = new Map<number, Trial>();
  /** Runs of trials that were asked for and that nobody trains. */
  readonly #waiting: SweepRun[] = [];

  constructor(sweep: Sweep, entries: readonly JournalEntry[]) {
    this.#sweep = sweep;
    const recorded = new Map<number, RecordedTrial>();
    for (const entry of entries) {
      if (entry.type === 'begun') this.#begun.set(keyOf(entry), entry.run);
      else if (entry.type === 'recorded') recorded.set(entry.trial.number, entry.trial);
      else if (entry.type === 'ended') this.#results.set(keyOf(entry), resultOf(entry));
    }
    const { space, constraints, search, seed, generation, objective, trials } = sweep;
    this.#study = createStudy({
      ...{ space, constraints, search, seed, generation, objectives: [objective], numTrials: trials },
      recorded: [...recorded.values()],
    }) as Study;
  }

  next(): SweepRun | 'wait' | 'done' {
    for (;;) {
      const run = this.#waiting.shift();
      if (run !== undefined) return run;
      const trial = this.#study.ask();
      if (trial === 'done') return this.#asked.size > 0 ? 'wait' : 'done';
      if (trial === 'wait') return 'wait';
      this.#asked.set(trial.number, trial);
      for (let repeat = 0; repeat < this.#sweep.repeats; repeat++) {
        if (!this.#results.has(keyOf({ trial: trial.number, repeat })))
          this.#waiting.push(this.#runOf(trial, repeat));
      }
      // Every repeat may have ended just before an earlier process was killed.
      this.#complete(trial.number);
    }
  }

  ended(run: Pick<SweepRun, 'trial' | 'repeat'>, result: RunResult): readonly JournalEntry[] {
    const { trial, repeat } = run;
    invariant(this.#asked.has(trial), `a run of trial ${trial} has ended, which was not begun`);
    this.#results.set(keyOf(run), result);
    const recorded = this.#complete(trial);
    return [
      { type: 'ended', trial, repeat, ...result },
      ...(recorded === undefined ? [] : [{ type: 'recorded', trial: recorded } as const]),
    ];
  }

  recorded(): readonly RecordedTrial[] {
    return this.#study.recorded();
  }

  best(): RecordedTrial | undefined {
    return this.#study.best();
  }

  table(): string {
    return tableOf(this.#study.recorded(), [this.#sweep.objective]);
  }

  #runOf({ number: trial, generation, params }: Trial, repeat: number): SweepRun {
    const begun = this.#begun.get(keyOf({ trial, repeat }));
    const seed = this.#seedOf(repeat);
    return { trial, repeat, seed, generation, params, ...(begun !== undefined && { begun }) };
  }

  #seedOf(repeat: number): number {
    return this.#sweep.seed + repeat;
  }

  /** Tells the study the result of a trial of which every repeat has ended. */
  #complete(number: number): RecordedTrial | undefined {
    const trial = this.#asked.get(number)!;
    const keys = Array.from({ length: this.#sweep.repeats }, (_, repeat) => keyOf({ trial: number, repeat }));
    const results = keys.map((key) => this.#results.get(key));
    if (results.includes(undefined)) return undefined;
    const result = this.#resultOf(results as RunResult[]);
    this.#study.tell(number, result);
    this.#asked.delete(number);
    for (const key of keys) this.#results.delete(key);
    return { ...trial, result };
  }

  /** A trial fails with the first repeat that failed, in the order of the repeats and not of time. */
  #resultOf(results: readonly RunResult[]): TrialResult {
    const failed = results.findIndex((result) => 'reason' in result);
    if (failed >= 0) {
      const { reason } = results[failed] as { readonly reason: string };
      return { status: 'failed', values: [], reason: `seed ${this.#seedOf(failed)}: ${reason}` };
    }
    const complete = results as readonly Exclude<RunResult, { readonly reason: string }>[];
    const repeats = complete.map(({ values }, repeat) => ({ seed: this.#seedOf(repeat), values }));
    return resultOfRepeats('complete', repeats, Math.max(...complete.map(({ steps }) => steps)));
  }
}

const keyOf = ({ trial, repeat }: Pick<SweepRun, 'trial' | 'repeat'>): string => `${trial}/${repeat}`;

const resultOf = (entry: RunResult): RunResult =>
  'reason' in entry ? { reason: entry.reason } : { values: entry.values, steps: entry.steps };
