/**
 * A sweep as a machine without input or output: `ask` gives trials, `tell` takes their results. Proposals come in generations of
 * fixed sizes. A search sees a generation only when all of it is recorded, so the trials are the same in whatever order results
 * arrive, and however many are computed at once.
 */
import { describeValue, LockstepError } from '@lockstep/errors';
import type { Objective } from '../objective.ts';
import {
  type Assignment,
  type AssignmentOf,
  type Constraints,
  dimensionsOf,
  existsIn,
  sortedNames,
} from '../space/assignment.ts';
import { checkForm } from '../space/check.ts';
import type { Space } from '../space/domain.ts';
import { hasValue } from '../space/scale.ts';
import { type Sizes, sizeOf } from './generations.ts';
import { checkStudy, type StudyOptions } from './options.ts';
import { bestOf } from './rank.ts';
import type { RecordedTrial, Trial, TrialResult } from './trial.ts';

export interface Study<A extends Assignment = Assignment> {
  /**
   * The next trial without a result that was not given yet; `wait` if the search needs results first, `done` if there are no
   * more.
   */
  ask(): Trial<A> | 'wait' | 'done';
  /**
   * Records the result of a trial.
   *
   * @throws LockstepError `argument` for a trial that has a result or was not proposed, and for a result that does not fit.
   */
  tell(number: number, result: TrialResult): void;
  /** Every trial that has a result, in the order of their numbers. */
  recorded(): readonly RecordedTrial<A>[];
  /** The best complete trial by the first objective; the lower number wins a tie. */
  best(): RecordedTrial<A> | undefined;
}

/**
 * Begins a sweep, or continues one from recorded results.
 *
 * @throws LockstepError `config` for options that do not fit, and for recorded trials that this sweep would not propose.
 */
export function createStudy<const S extends Space>(options: StudyOptions<S>): Study<AssignmentOf<S>> {
  checkStudy(options);
  checkForm(options.space);
  return new Machine(options as unknown as StudyOptions<Space>) as unknown as Study<AssignmentOf<S>>;
}

class Machine implements Study {
  readonly #objectives: readonly Objective[];
  readonly #numTrials: number;
  readonly #sizes: Sizes;
  readonly #waits: boolean;
  readonly #propose: (numbers: readonly number[]) => readonly Assignment[];
  readonly #trials: Trial[] = [];
  readonly #recorded = new Map<number, RecordedTrial>();
  /** All of `#recorded` by number; undefined since the last result. */
  #sorted: readonly RecordedTrial[] | undefined;
  /** The first trial that `ask` has not given. */
  #next = 0;
  /** How many trials of the sweep have a result without a gap before them. */
  #numComplete = 0;
  /** The next generation to be proposed. */
  #generation = 0;
  #isExhausted = false;

  constructor({ space, constraints = {}, search, seed, ...options }: StudyOptions<Space>) {
    this.#objectives = options.objectives;
    this.#numTrials = options.numTrials;
    this.#sizes = options.generation ?? 4;
    this.#waits = search.isAdaptive || options.waits === true;
    const dimensions = dimensionsOf(space);
    const refusal = refusalBy(constraints as Constraints<Assignment>);
    const propose = search.over({ dimensions, objectives: options.objectives, seed, refusal });
    // A search that does not learn is not shown the results, which are many.
    this.#propose = (numbers) => propose(search.isAdaptive ? this.recorded() : [], numbers);
    const recorded = [...(options.recorded ?? [])].sort((a, b) => a.number - b.number);
    for (const trial of recorded) requireInSpace(trial, space);
    this.#replay(recorded);
  }

  ask(): Trial | 'wait' | 'done' {
    while (this.#recorded.has(this.#next)) this.#next++;
    if (this.#next >= this.#numTrials) return 'done';
    const state = this.#ensureProposed(this.#next);
    if (state !== 'proposed') return state;
    return this.#trials[this.#next++]!;
  }

  tell(number: number, result: TrialResult): void {
    const trial = this.#trials[number];
    if (trial === undefined) {
      throw new LockstepError(
        'argument',
        `study: trial ${describeValue(number)} was not proposed; the last one is ${this.#trials.length - 1}`,
        { number },
      );
    }
    if (this.#recorded.has(number)) {
      throw new LockstepError('argument', `study: trial ${number} has a result already`, { number });
    }
    requireFitting(number, result, this.#objectives);
    this.#recorded.set(number, { ...trial, result });
    this.#sorted = undefined;
    while (this.#recorded.has(this.#numComplete)) this.#numComplete++;
  }

  recorded(): readonly RecordedTrial[] {
    this.#sorted ??= [...this.#recorded.values()].sort((a, b) => a.number - b.number);
    return this.#sorted;
  }

  best(): RecordedTrial | undefined {
    const [first] = this.#objectives;
    return first && bestOf(first, this.recorded());
  }

  /** Proposes generations up to the one of this trial, as far as the results allow. */
  #ensureProposed(number: number): 'proposed' | 'wait' | 'done' {
    while (this.#trials.length <= number) {
      if (this.#isExhausted) return 'done';
      if (this.#waits && this.#numComplete < this.#trials.length) return 'wait';
      this.#proposeNext();
    }
    return 'proposed';
  }

  /** Proposes a whole generation even where the sweep ends within it, since trials may be added later. */
  #proposeNext(): void {
    const from = this.#trials.length;
    const numbers = Array.from({ length: sizeOf(this.#sizes, this.#generation) }, (_, i) => from + i);
    const assignments = this.#propose(numbers);
    const wanted = assignments.slice(0, this.#numTrials - from);
    for (const [i, params] of wanted.entries()) this.#append(from + i, params);
    this.#isExhausted = assignments.length < numbers.length;
    this.#generation++;
  }

  #append(number: number, params: Assignment): void {
    this.#trials.push({ number, generation: this.#generation, params });
  }

  #replay(recorded: readonly RecordedTrial[]): void {
    const byNumber = new Map(recorded.map((trial) => [trial.number, trial]));
    if (byNumber.size < recorded.length) {
      throw new LockstepError('config', 'sweep: a trial is recorded twice', {});
    }
    while (this.#adopt(byNumber));
    for (const trial of recorded) {
      if (this.#recorded.has(trial.number)) continue;
      this.#requireProposed(trial);
      this.tell(trial.number, trial.result);
    }
  }

  /** Takes the next generation as it is recorded, if all of it is: a sweep of many trials then starts at once. */
  #adopt(recorded: ReadonlyMap<number, RecordedTrial>): boolean {
    const from = this.#trials.length;
    const size = Math.min(sizeOf(this.#sizes, this.#generation), this.#numTrials - from);
    const trials = Array.from({ length: size }, (_, i) => recorded.get(from + i));
    if (trials.length === 0 || trials.includes(undefined)) return false;
    for (const { number, params, result } of trials as RecordedTrial[]) {
      this.#append(number, params);
      this.tell(number, result);
    }
    this.#generation++;
    return true;
  }

  #requireProposed({ number, params }: RecordedTrial): void {
    const isProposed = number < this.#numTrials && this.#ensureProposed(number) === 'proposed';
    const proposed = isProposed ? JSON.stringify(this.#trials[number]!.params) : 'no such trial';
    const found = JSON.stringify(params);
    if (proposed === found) return;
    throw new LockstepError(
      'config',
      `sweep: trial ${number} is recorded as ${found}, but this sweep proposes ${proposed}; was its definition changed?`,
      { number, recorded: params },
    );
  }
}

function refusalBy(constraints: Constraints<Assignment>): (assignment: Assignment) => string | undefined {
  const named = sortedNames(constraints).map((name) => [name, constraints[name]!] as const);
  return (assignment) => named.find(([, isAllowed]) => !isAllowed(assignment))?.[0];
}

function requireInSpace({ number, params }: RecordedTrial, space: Space): void {
  const present = dimensionsOf(space).filter((dimension) => existsIn(dimension, params));
  const wrong = present.find(({ name, domain }) => !hasValue(domain, params[name]))?.name;
  const names = present.map(({ name }) => name);
  const unknown = Object.keys(params).find((name) => !names.includes(name));
  const name = wrong ?? unknown;
  if (name === undefined) return;
  throw new LockstepError(
    'config',
    `sweep: trial ${number} is recorded with ${name} = ${describeValue(params[name])}, which the space does not have; was its definition changed?`,
    { number, name },
  );
}

function requireFitting(number: number, result: TrialResult, objectives: readonly Objective[]): void {
  const mayBeEmpty = result.status === 'failed' || result.status === 'cancelled';
  const expected = mayBeEmpty ? [0, objectives.length] : [objectives.length];
  if (expected.includes(result.values.length)) return;
  throw new LockstepError(
    'argument',
    `study: the result of trial ${number} has ${result.values.length} values; the sweep has ${objectives.length} objectives`,
    { number },
  );
}
