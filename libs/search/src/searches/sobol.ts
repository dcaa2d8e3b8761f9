/** Points that cover the space more evenly than random ones. */
import { aBoolean, checkOptions, LockstepError, type Rules } from '@lockstep/errors';
import { foldIn } from '@lockstep/rng';
import { sweepKey } from '../random.ts';
import { type Assignment, assignmentBy, type Dimension } from '../space/assignment.ts';
import { valueAt } from '../space/scale.ts';
import { inSequence } from './accepted.ts';
import type { Problem, Search } from './search.ts';
import { maxSobolDimensions, type SobolAxis, scrambled, sobolAxis, sobolPoint } from './sobol-sequence.ts';

export interface SobolOptions {
  /**
   * Whether the sweep's seed scrambles the sequence. Without, it begins at the lower ends of all ranges and is the same for
   * every seed. Default: true.
   */
  readonly scramble?: boolean;
}

const rules: Rules<SobolOptions> = { scramble: aBoolean };

/**
 * The Sobol sequence with the direction numbers of Joe and Kuo (2008). Numbers of trials that are powers of two are covered best.
 * Parameters take the dimensions of the sequence in the order of their names, so a parameter that is added moves those after it.
 */
export function sobol(options: SobolOptions = {}): Search {
  checkOptions('sobol', options, rules);
  const scramble = options.scramble ?? true;
  return {
    name: 'sobol',
    options: { scramble },
    isAdaptive: false,
    over: (problem) => inSequence(problem, sobolAssignments(problem, scramble)),
  };
}

/** The assignments at the points of the sequence, which constraints may refuse. */
export function* sobolAssignments(
  { dimensions, seed }: Problem,
  scramble: boolean,
): Generator<Assignment, never> {
  if (dimensions.length > maxSobolDimensions) {
    throw new LockstepError(
      'config',
      `sobol: the space has ${dimensions.length} parameters, and the sequence ${maxSobolDimensions} dimensions; use random()`,
      { numDimensions: dimensions.length },
    );
  }
  const axes = new Map<Dimension, SobolAxis>();
  for (const [i, dimension] of dimensions.entries()) {
    const axis = sobolAxis(i);
    const key = foldIn(sweepKey(seed, 'sobol'), dimension.id);
    axes.set(dimension, scramble ? scrambled(axis, key) : axis);
  }
  for (let index = 0; ; index++) {
    yield assignmentBy(dimensions, (dimension) =>
      valueAt(dimension.domain, sobolPoint(axes.get(dimension)!, index)),
    );
  }
}
