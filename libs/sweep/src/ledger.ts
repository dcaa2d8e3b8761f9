/** Which runs a sweep still needs, and what became of the others: a machine that is begun from the entries of a journal. */
import { invariant } from '@lockstep/errors';
import {
  type Assignment,
  paretoFront,
  type RecordedTrial,
  type RungValues,
  resultOfRepeats,
  type Study,
  type Trial,
  type TrialResult,
  tableOf,
} from '@lockstep/search';
import { type Sweep, studyOf } from './definition.ts';
import { factsOf, keyOf } from './facts.ts';
import type { JournalEntry, RunKey, RunResult } from './journal.ts';
import type { AtRung, Standing } from './standings.ts';
import { createStopper, type Stopper } from './stopper.ts';

/** The step at which a run pauses, so that its trial is compared with others. */
export interface SweepRung {
  /** Counts from 0. */
  readonly index: number;
  readonly steps: number;
  /** The run ends there. */
  readonly isLast: boolean;
}

/** One run of a trial, or in a sweep with rungs its way to the next one. */
export interface SweepRun extends RunKey {
  readonly seed: number;
  readonly params: Assignment;
  /** Absent in a sweep without rungs: the run trains to its end. */
  readonly rung?: SweepRung;
  /** The folder in which it was begun, by an earlier process or up to an earlier rung. */
  readonly begun?: string;
}

/** A run that nobody trains, because it has lost its workers too often. */
export interface SetAside extends RunKey {
  readonly params: Assignment;
  readonly reason: string;
}

export interface Ledger {
  /** The next run; `wait` if others must end first, or are set aside; `done` if there are no more. */
  next(): SweepRun | 'wait' | 'done';
  /** The run is trained in this folder now. */
  begun(run: RunKey, folder: string): void;
  /** Records the result of a run. Runs may end in any order. */
  ended(run: Pick<SweepRun, 'trial' | 'repeat' | 'rung'>, result: RunResult): void;
  /** The run is not trained any more, and its trial gets no result. */
  setAside(run: RunKey, reason: string): void;
  /**
   * Ends a trial by the wish of a person, now or as soon as it is asked for. A trial that is recorded stays as it is. Results of its
   * runs that still arrive do not count.
   */
  cancel(trial: number): void;
  /** What was decided since the last call, for the journal. */
  takeEntries(): readonly JournalEntry[];
  /** In the order of their numbers. */
  recorded(): readonly RecordedTrial[];
  readonly aside: readonly SetAside[];
  /** By the first objective. */
  best(): RecordedTrial | undefined;
  /** The complete trials that no other one beats by all objectives. */
  front(): readonly RecordedTrial[];
  /** The name of a run's folder; undefined if it has none. */
  folderOf(run: RunKey): string | undefined;
  /** The lines of `table.jsonl`. */
  table(): string;
}

/** @throws LockstepError `config` for recorded trials that the sweep would not propose. */
export const createLedger = (sweep: Sweep, entries: readonly JournalEntry[] = []): Ledger =>
  new Machine(sweep, entries);

/** A trial that was asked for and is not recorded. */
interface Open {
  readonly trial: Trial;
  /** The rung to which its runs are on the way; -1 before the first. */
  rung: number;
}

class Machine implements Ledger {
  readonly #sweep: Sweep;
  readonly #study: Study;
  readonly #stopper: Stopper;
  /** Of trials that are not recorded, by trial, repeat and rung. */
  readonly #results: Map<string, RunResult>;
  readonly #begun: Map<string, string>;
  readonly #recorded: Map<number, RecordedTrial>;
  readonly #open = new Map<number, Open>();
  readonly #aside = new Map<string, SetAside>();
  readonly #cancelled = new Set<number>();
  /** Runs of open trials that nobody trains. */
  #waiting: SweepRun[] = [];
  #entries: JournalEntry[] = [];
  #numKnown: number;

  constructor(sweep: Sweep, entries: readonly JournalEntry[]) {
    const { recorded, results, begun } = factsOf(sweep, entries);
    this.#sweep = sweep;
    this.#results = results;
    this.#begun = begun;
    this.#recorded = recorded;
    this.#stopper = createStopper(sweep);
    this.#study = studyOf(sweep, [...recorded.values()]);
    this.#numKnown = Math.max(0, ...[...recorded.keys()].map((number) => number + 1));
  }

  next(): SweepRun | 'wait' | 'done' {
    for (;;) {
      const run = this.#waiting.shift();
      if (run !== undefined) return run;
      const trial = this.#study.ask();
      if (trial === 'wait') return 'wait';
      if (trial !== 'done') this.#begin(trial);
      else if (!this.#close()) return this.#open.size > 0 ? 'wait' : 'done';
    }
  }

  begun({ trial, repeat }: RunKey, run: string): void {
    if (this.#cancelled.has(trial)) return;
    const open = this.#open.get(trial);
    invariant(open !== undefined, `a run of trial ${trial} was begun, which was not asked for`);
    const { generation, params } = open.trial;
    this.#begun.set(keyOf(trial, repeat), run);
    this.#entries.push({ type: 'begun', trial, repeat, run, generation, params });
  }

  ended(run: Pick<SweepRun, 'trial' | 'repeat' | 'rung'>, result: RunResult): void {
    const { trial, repeat, rung } = run;
    if (this.#cancelled.has(trial)) return;
    const open = this.#open.get(trial);
    invariant(open !== undefined, `a run of trial ${trial} has ended, which was not begun`);
    this.#results.set(keyOf(trial, repeat, rung?.index ?? 0), result);
    this.#entries.push({ type: 'ended', trial, repeat, ...(rung && { rung: rung.index }), ...result });
    this.#settle(open.trial);
  }

  setAside({ trial, repeat }: RunKey, reason: string): void {
    if (this.#cancelled.has(trial)) return;
    const open = this.#open.get(trial);
    invariant(open !== undefined, `a run of trial ${trial} is set aside, which was not begun`);
    this.#waiting = this.#waiting.filter((run) => run.trial !== trial);
    this.#aside.set(keyOf(trial, repeat), { trial, repeat, params: open.trial.params, reason });
    this.#entries.push({ type: 'setAside', trial, repeat, reason });
  }

  cancel(trial: number): void {
    if (this.#recorded.has(trial)) return;
    this.#cancelled.add(trial);
    const open = this.#open.get(trial);
    if (open !== undefined) this.#cancelOpen(open);
  }

  takeEntries(): readonly JournalEntry[] {
    const entries = this.#entries;
    this.#entries = [];
    return entries;
  }

  recorded(): readonly RecordedTrial[] {
    return this.#study.recorded();
  }

  get aside(): readonly SetAside[] {
    return [...this.#aside.values()].sort((a, b) => a.trial - b.trial || a.repeat - b.repeat);
  }

  best(): RecordedTrial | undefined {
    return this.#study.best();
  }

  front(): readonly RecordedTrial[] {
    return paretoFront(this.#sweep.objectives, this.recorded());
  }

  folderOf({ trial, repeat }: RunKey): string | undefined {
    return this.#begun.get(keyOf(trial, repeat));
  }

  table(): string {
    return tableOf(this.recorded(), this.#sweep.objectives);
  }

  #begin(trial: Trial): void {
    const open: Open = { trial, rung: -1 };
    this.#open.set(trial.number, open);
    this.#numKnown = Math.max(this.#numKnown, trial.number + 1);
    if (this.#cancelled.has(trial.number)) this.#cancelOpen(open);
    // Every repeat may have ended just before an earlier process was killed.
    else this.#settle(trial);
  }

  /** The search has no more trials: its last bracket may be shorter than planned. True: more runs are waiting now. */
  #close(): boolean {
    for (const number of this.#stopper.close(this.#numKnown)) {
      const open = this.#open.get(number);
      if (open !== undefined) this.#settle(open.trial);
    }
    return this.#waiting.length > 0;
  }

  /** Carries out what the results of a trial decide, for it and for those that it is compared with. */
  #settle(trial: Trial): void {
    const standings = this.#stopper.standings(trial, {
      look: (number, rung) => this.#look(number, rung),
      numKnown: this.#numKnown,
      recorded: this.#recorded.values(),
    });
    for (const [number, standing] of standings) {
      const open = this.#open.get(number);
      if (open === undefined || standing.state === 'waits') continue;
      if (standing.state !== 'trains') this.#record(open, standing);
      else if (standing.rung > open.rung) this.#trainTo(open, standing.rung);
    }
  }

  #trainTo(open: Open, rung: number): void {
    open.rung = rung;
    const { number } = open.trial;
    for (const repeat of this.#repeats()) {
      if (!this.#results.has(keyOf(number, repeat, rung))) {
        this.#waiting.push(this.#runOf(open.trial, repeat, rung));
      }
    }
  }

  #runOf({ number: trial, params }: Trial, repeat: number, index: number): SweepRun {
    const begun = this.#begun.get(keyOf(trial, repeat));
    const steps = this.#stopper.stepsOf(trial);
    const rung = steps && { index, steps: steps[index]!, isLast: index === steps.length - 1 };
    return {
      ...{ trial, repeat, seed: this.#seedOf(repeat), params },
      ...(rung && { rung }),
      ...(begun !== undefined && { begun }),
    };
  }

  #record({ trial }: Open, standing: Standing): void {
    this.#conclude(trial, this.#resultOf(trial.number, standing), standing.rung);
  }

  /** The rungs that it has reached stay, since they have decided about others. */
  #cancelOpen({ trial }: Open): void {
    const { number } = trial;
    this.#waiting = this.#waiting.filter((run) => run.trial !== number);
    for (const repeat of this.#repeats()) this.#aside.delete(keyOf(number, repeat));
    const steps = this.#stopper.stepsOf(number) ?? [];
    const missing = steps.findIndex((_, rung) => typeof this.#look(number, rung) === 'string');
    const rungs = this.#rungsOf(number, missing < 0 ? steps.length : missing);
    const result: TrialResult = { status: 'cancelled', values: [], ...(rungs.length > 0 && { rungs }) };
    this.#conclude(trial, result, steps.length);
    this.#settle(trial);
  }

  /** `lastRung`: the last one of which there may be results. */
  #conclude(trial: Trial, result: TrialResult, lastRung: number): void {
    const { number } = trial;
    const recorded = { ...trial, result };
    this.#study.tell(number, result);
    this.#open.delete(number);
    this.#recorded.set(number, recorded);
    for (const repeat of this.#repeats()) {
      for (let rung = 0; rung <= lastRung; rung++) this.#results.delete(keyOf(number, repeat, rung));
    }
    this.#entries.push({ type: 'recorded', trial: recorded });
  }

  /** A trial fails with the first repeat that failed, in the order of the repeats and not of time. */
  #resultOf(number: number, { state, rung }: Standing): TrialResult {
    const results = this.#at(number, rung) as readonly RunResult[];
    const failed = results.findIndex((result) => 'reason' in result);
    if (failed >= 0) {
      const { reason } = results[failed] as { readonly reason: string };
      const rungs = this.#rungsOf(number, rung);
      return {
        ...{ status: 'failed', values: [], ...(rungs.length > 0 && { rungs }) },
        reason: `seed ${this.#seedOf(failed)}: ${reason}`,
      };
    }
    const status = state === 'pruned' ? 'pruned' : 'complete';
    const result = this.#summary(status, results as readonly Ended[]);
    return this.#sweep.stopping === undefined
      ? result
      : { ...result, rungs: this.#rungsOf(number, rung + 1) };
  }

  /** The first `count` rungs of a trial. */
  #rungsOf(number: number, count: number): readonly RungValues[] {
    const steps = this.#stopper.stepsOf(number) ?? [];
    return steps.slice(0, count).map((step, rung) => {
      const { values } = this.#summary('complete', this.#at(number, rung) as readonly Ended[]);
      return { steps: step, values };
    });
  }

  #summary(status: 'complete' | 'pruned', results: readonly Ended[]): TrialResult {
    const repeats = results.map(({ values }, repeat) => ({ seed: this.#seedOf(repeat), values }));
    return resultOfRepeats(status, repeats, Math.max(...results.map(({ steps }) => steps)));
  }

  #look(number: number, rung: number): AtRung {
    const recorded = this.#recorded.get(number)?.result;
    if (recorded !== undefined) return recorded.rungs?.[rung]?.values ?? 'failed';
    const results = this.#at(number, rung);
    if (results.includes(undefined)) return 'running';
    if (results.some((result) => 'reason' in result!)) return 'failed';
    return this.#summary('complete', results as readonly Ended[]).values;
  }

  /** The results of all repeats at a rung. */
  #at(number: number, rung: number): readonly (RunResult | undefined)[] {
    return this.#repeats().map((repeat) => this.#results.get(keyOf(number, repeat, rung)));
  }

  #repeats(): readonly number[] {
    return Array.from({ length: this.#sweep.repeats }, (_, repeat) => repeat);
  }

  #seedOf(repeat: number): number {
    return this.#sweep.seed + repeat;
  }
}

type Ended = Exclude<RunResult, { readonly reason: string }>;
