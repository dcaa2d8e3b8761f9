/** All combinations of the values of each parameter. */
import { checkOptions, either, LockstepError, type Rules, recordOf, whole } from '@lockstep/errors';
import type { ParamValue } from '@lockstep/params';
import { exp, log } from '../math.ts';
import { type Assignment, type Dimension, existsIn, inOrder, optionsOf } from '../space/assignment.ts';
import { numValuesOf, steppedValue } from '../space/scale.ts';
import { inSequence } from './accepted.ts';
import type { Search } from './search.ts';

export interface GridOptions {
  /**
   * How many values of a range are tried, equally spaced with both ends, in its logarithm where it has one: one number for all
   * ranges, or numbers by name. Default: all values of a range of whole numbers or steps; other ranges need a number.
   */
  readonly points?: number | Readonly<Record<string, number>>;
}

const somePoints = whole(1);
const rules: Rules<GridOptions> = {
  points: either(somePoints, recordOf(somePoints, 'an object of whole numbers ≥ 1 by name')),
};

/** Tries all combinations; the last name in alphabetical order changes fastest. The sweep ends after the last combination. */
export function grid(options: GridOptions = {}): Search {
  checkOptions('grid', options, rules);
  return {
    name: 'grid',
    options: { points: options.points ?? null },
    isAdaptive: false,
    over: (problem) => {
      const axes = problem.dimensions.map((dimension) => valuesOn(dimension, options));
      return inSequence(problem, pointsFrom(problem.dimensions, axes, 0, {}));
    },
  };
}

/** The values that a dimension takes in a grid. */
function valuesOn({ id, name, domain }: Dimension, { points }: GridOptions): readonly ParamValue[] {
  if (domain.type === 'choice' || domain.type === 'oneOf') return optionsOf(domain);
  const { lo, hi } = domain;
  const all = numValuesOf(domain);
  const wanted = typeof points === 'object' ? points[name] : points;
  if (all !== undefined && (wanted === undefined || wanted >= all)) {
    return Array.from({ length: all }, (_, k) => steppedValue(domain, k));
  }
  if (wanted === undefined) {
    throw new LockstepError(
      'config',
      `grid: parameter '${id}' has every number from ${lo} to ${hi}; give points, such as grid({ points: { ${name}: 5 } })`,
      { name },
    );
  }
  return spaced(wanted, (share) => {
    const value = domain.log ? exp(log(lo) + share * (log(hi) - log(lo))) : lo + share * (hi - lo);
    const inside = share === 0 ? lo : share === 1 ? hi : Math.max(lo, Math.min(hi, value));
    return all === undefined ? inside : steppedValue(domain, Math.round((inside - lo) / (domain.step ?? 1)));
  });
}

/** Different values at equal distances from 0 to 1; one point is in the middle. */
function spaced(count: number, valueAt: (share: number) => number): readonly number[] {
  const shares = count === 1 ? [0.5] : Array.from({ length: count }, (_, i) => i / (count - 1));
  return [...new Set(shares.map(valueAt))];
}

function* pointsFrom(
  dimensions: readonly Dimension[],
  axes: readonly (readonly ParamValue[])[],
  index: number,
  chosen: Assignment,
): Generator<Assignment> {
  const dimension = dimensions[index];
  if (dimension === undefined) {
    yield inOrder(chosen);
  } else if (!existsIn(dimension, chosen)) {
    yield* pointsFrom(dimensions, axes, index + 1, chosen);
  } else {
    for (const value of axes[index]!) {
      yield* pointsFrom(dimensions, axes, index + 1, { ...chosen, [dimension.name]: value });
    }
  }
}
