/** The covariance matrix adaptation evolution strategy as a search. */
import { checkOptions, LockstepError, numberFrom, type Rules, whole } from '@lockstep/errors';
import type { ParamValue } from '@lockstep/params';
import { foldIn, type Key } from '@lockstep/rng';
import { normalQuantile } from '../../normal.ts';
import { trialKey, uniformOf } from '../../random.ts';
import { type Assignment, type Dimension, inOrder } from '../../space/assignment.ts';
import { axisOf, type NumericAxis } from '../../space/axis.ts';
import { ranked } from '../../study/rank.ts';
import type { RecordedTrial } from '../../study/trial.ts';
import { requireOneObjective } from '../requirements.ts';
import { drawUniform, firstAccepted, type Problem, type Search } from '../search.ts';
import { tpe } from '../tpe/tpe.ts';
import { type CmaState, defaultPopulation, initialState, pointAt, updated } from './strategy.ts';

export interface CmaEsOptions {
  /**
   * How many trials the distribution needs to change, at least; it changes after the generation that completes them. Default:
   * 4 + ⌊3 ln n⌋ for n parameters.
   */
  readonly population?: number;
  /** The standard deviation of the first trials around the middle, as a share of the range. Default: 1/6. */
  readonly sigma?: number;
}

const rules: Rules<CmaEsOptions> = { population: whole(3), sigma: numberFrom(1e-6) };

/** Draws outside of the space before one is moved to its border. */
const maxOutside = 100;
/** Draws that constraints refuse before trials are drawn from the whole space. */
const maxRefused = 100;
/** A parameter with steps keeps this standard deviation, in steps, so that it does not stay at one value. */
const leastSteps = 0.25;

/**
 * Draws trials from a normal distribution whose mean and covariance follow the better trials (Hansen, 2016). It suits many trials
 * of several numeric parameters. Whole numbers and steps are rounded. Parameters without an order, and those that exist only under a
 * choice, are proposed by {@link tpe}.
 */
export function cmaEs(options: CmaEsOptions = {}): Search {
  checkOptions('cmaEs', options, rules);
  const { population, sigma = 1 / 6 } = options;
  return {
    name: 'cmaEs',
    options: { population: population ?? null, sigma },
    isAdaptive: true,
    over: (problem) => {
      requireOneObjective('cmaEs', problem);
      const modelled = modelledOf(problem.dimensions);
      const names = new Set(modelled.map(({ name }) => name));
      const rest = problem.dimensions.filter(
        ({ name, conditions }) => conditions.length > 0 || !names.has(name),
      );
      const proposeRest = tpe().over({ ...problem, dimensions: rest, refusal: () => undefined });
      const size = population ?? defaultPopulation(modelled.length);
      return (history, numbers) => {
        const state = stateAfter(problem, modelled, { history, size, sigma });
        const others = proposeRest(history, numbers);
        return numbers.map((trial, i) =>
          firstAccepted(problem, (attempt) => {
            if (attempt >= maxRefused) return drawUniform(problem, trial, attempt);
            const key = foldIn(foldIn(trialKey(problem.seed, trial), 'cmaEs'), attempt);
            return inOrder({ ...others[i], ...drawFrom(state, modelled, key) });
          }),
        );
      };
    },
  };
}

/** A numeric parameter that always exists. */
interface Modelled {
  readonly name: string;
  readonly axis: NumericAxis;
}

function modelledOf(dimensions: readonly Dimension[]): readonly Modelled[] {
  const modelled = dimensions.flatMap(({ name, domain, conditions }) => {
    const axis = axisOf(domain);
    return conditions.length === 0 && axis.kind === 'numeric' ? [{ name, axis }] : [];
  });
  if (modelled.length > 0) return modelled;
  throw new LockstepError(
    'config',
    'cmaEs: the space has no numeric parameter outside of choices, and the search models no others; use tpe()',
    { names: dimensions.map(({ id }) => id) },
  );
}

interface Course {
  readonly history: readonly RecordedTrial[];
  readonly size: number;
  readonly sigma: number;
}

/** The distribution after all results: it changes whenever whole generations complete a population. */
function stateAfter(
  { objectives }: Problem,
  modelled: readonly Modelled[],
  { history, size, sigma }: Course,
): CmaState {
  let state = initialState(modelled.length, sigma);
  let population: RecordedTrial[] = [];
  for (const [i, trial] of history.entries()) {
    population.push(trial);
    const endsGeneration = history[i + 1]?.generation !== trial.generation;
    if (!endsGeneration || population.length < size) continue;
    const points = ranked(objectives[0]!, population).map(({ params }) => pointOf(modelled, params));
    state = updated(state, points);
    population = [];
  }
  return state;
}

/** Coordinates in the unit cube. */
const pointOf = (modelled: readonly Modelled[], params: Assignment): Float64Array =>
  Float64Array.from(
    modelled,
    ({ name, axis }) => (axis.toCoordinate(params[name]!) - axis.low) / (axis.high - axis.low),
  );

/** Draws until a point is inside of the space; the last one is moved to its border. */
function drawFrom(state: CmaState, modelled: readonly Modelled[], key: Key): Assignment {
  let point: Float64Array = state.mean;
  for (let draw = 0; draw < maxOutside; draw++) {
    point = drawOnce(state, modelled, foldIn(key, draw));
    if (point.every((x) => x >= 0 && x <= 1)) break;
  }
  const values = modelled.map(({ name, axis }, i): [string, ParamValue] => {
    const inside = Math.max(0, Math.min(1, point[i]!));
    return [name, axis.toValue(axis.low + inside * (axis.high - axis.low))];
  });
  return Object.fromEntries(values);
}

function drawOnce(state: CmaState, modelled: readonly Modelled[], key: Key): Float64Array {
  const n = modelled.length;
  const normal = (name: string): number => normalQuantile(uniformOf(foldIn(key, name)) + 2 ** -54);
  const point = pointAt(
    state,
    Float64Array.from(modelled, ({ name }) => normal(name)),
  );
  return point.map((x, i) => {
    const { name, axis } = modelled[i]!;
    if (axis.quantum === undefined) return x;
    const deviation = state.sigma * Math.sqrt(state.covariance[i * n + i]!);
    const least = (leastSteps * axis.quantum) / (axis.high - axis.low);
    if (deviation >= least) return x;
    return x + Math.sqrt(least * least - deviation * deviation) * normal(`${name}#steps`);
  });
}
