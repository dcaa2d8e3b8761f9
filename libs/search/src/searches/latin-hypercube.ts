/** Random points of which every slice of every parameter's range has exactly one. */
import { checkOptions, type Rules, required, whole } from '@lockstep/errors';
import { foldIn, permutation } from '@lockstep/rng';
import { sweepKey, trialKey, uniformOf } from '../random.ts';
import { type Assignment, assignmentBy } from '../space/assignment.ts';
import { valueAt } from '../space/scale.ts';
import { drawUniform, firstAccepted, type Problem, type Search } from './search.ts';

export interface LatinHypercubeOptions {
  /** How many trials cover the space once; the next ones cover it anew. A definition of the sweep, since trials may be added. */
  readonly points: number;
}

const rules: Rules<LatinHypercubeOptions> = { points: required(whole(1)) };

/**
 * Latin hypercubes (McKay, Beckman and Conover, 1979): the range of each parameter has `points` slices of equal probability, and
 * each of `points` trials lies in another one. A trial that constraints refuse is drawn from the whole space instead.
 */
export function latinHypercube(options: LatinHypercubeOptions): Search {
  checkOptions('latinHypercube', options, rules);
  const { points } = options;
  return {
    name: 'latinHypercube',
    options: { points },
    isAdaptive: false,
    over: (problem) => (_history, numbers) => numbers.map((trial) => latinAssignment(problem, points, trial)),
  };
}

/** The assignment of a trial, as {@link latinHypercube} draws it. */
export const latinAssignment = (problem: Problem, points: number, trial: number): Assignment =>
  firstAccepted(problem, (attempt) =>
    attempt === 0 ? inHypercube(problem, points, trial) : drawUniform(problem, trial, attempt),
  );

function inHypercube({ dimensions, seed }: Problem, points: number, trial: number): Assignment {
  const cube = foldIn(sweepKey(seed, 'latinHypercube'), Math.floor(trial / points));
  const inSlice = trialKey(seed, trial);
  return assignmentBy(dimensions, ({ id, name, domain }) => {
    const slice = permutation(foldIn(cube, id), points)[trial % points]!;
    return valueAt(domain, (slice + uniformOf(foldIn(foldIn(inSlice, name), 0))) / points);
  });
}
