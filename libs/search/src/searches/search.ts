/** What a search is: a rule that proposes assignments from recorded results. */
import { LockstepError } from '@lockstep/errors';
import { foldIn } from '@lockstep/rng';
import type { Objective } from '../objective.ts';
import { trialKey, uniformOf } from '../random.ts';
import { type Assignment, assignmentBy, type Dimension } from '../space/assignment.ts';
import { valueAt } from '../space/scale.ts';
import type { RecordedTrial } from '../study/trial.ts';

/** What a search proposes for. */
export interface Problem {
  readonly dimensions: readonly Dimension[];
  readonly objectives: readonly Objective[];
  readonly seed: number;
  /** The name of a constraint that refuses an assignment; undefined if it may be tried. */
  readonly refusal: (assignment: Assignment) => string | undefined;
}

/**
 * The assignments of trials `numbers`, in their order, from the results of all generations before. Fewer if the space has no
 * more. A pure function: a trial's assignment depends neither on later numbers nor on the order of `history`.
 */
export type Propose = (
  history: readonly RecordedTrial[],
  numbers: readonly number[],
) => readonly Assignment[];

export interface Search {
  readonly name: string;
  /** What decides its proposals beside space and seed, as plain JSON, for the record of the sweep. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether proposals depend on results. If not, no trial waits for another. */
  readonly isAdaptive: boolean;
  /** @throws LockstepError `config` for a space or objectives that the search cannot work with. */
  readonly over: (problem: Problem) => Propose;
}

/** After this many refused draws in a row a space counts as impossible. */
export const maxDraws = 1000;

/**
 * The first assignment that no constraint refuses, of the draws 0, 1, 2, …
 *
 * @throws LockstepError `config` if all of the first thousand are refused.
 */
export function firstAccepted(
  { refusal }: Pick<Problem, 'refusal'>,
  draw: (attempt: number) => Assignment,
): Assignment {
  const refusals = new Map<string, number>();
  for (let attempt = 0; attempt < maxDraws; attempt++) {
    const assignment = draw(attempt);
    const name = refusal(assignment);
    if (name === undefined) return assignment;
    refusals.set(name, (refusals.get(name) ?? 0) + 1);
  }
  throw impossibleSpace(refusals);
}

export function impossibleSpace(refusals: ReadonlyMap<string, number>): LockstepError {
  const counts = [...refusals].map(([name, count]) => `'${name}' refused ${count}`).join(', ');
  return new LockstepError(
    'config',
    `sweep: no assignment was found that the constraints allow (${counts}); widen the space or relax a constraint`,
    { refusals: Object.fromEntries(refusals) },
  );
}

/** An assignment drawn uniformly from the space; a parameter's number depends on seed, trial, name and attempt only. */
export function drawUniform({ dimensions, seed }: Problem, trial: number, attempt: number): Assignment {
  const key = trialKey(seed, trial);
  return assignmentBy(dimensions, ({ name, domain }) =>
    valueAt(domain, uniformOf(foldIn(foldIn(key, name), attempt))),
  );
}

/** A random assignment that no constraint refuses. */
export const randomAssignment = (problem: Problem, trial: number): Assignment =>
  firstAccepted(problem, (attempt) => drawUniform(problem, trial, attempt));
