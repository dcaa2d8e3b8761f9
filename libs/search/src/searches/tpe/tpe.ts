/** The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl, 2011). */
import { aBoolean, checkOptions, numberFrom, type Rules, whole } from '@lockstep/errors';
import type { ParamValue } from '@lockstep/params';
import { foldIn, type Key } from '@lockstep/rng';
import { trialKey, uniforms } from '../../random.ts';
import { type Assignment, type Dimension, existsIn, inOrder } from '../../space/assignment.ts';
import { axisOf } from '../../space/axis.ts';
import { aShare } from '../../study/kinds.ts';
import { latinAssignment } from '../latin-hypercube.ts';
import { firstAccepted, type Search } from '../search.ts';
import { type ModelAxis, Parzen, type ParzenOptions, type Point } from './parzen.ts';
import { splitHistory } from './split.ts';

export interface TpeOptions {
  /** The model begins once so many trials are recorded; those before are random. Default: 10. */
  readonly startup?: number;
  /** How many draws from the density of the best trials are compared. Default: 24. */
  readonly candidates?: number;
  /** Whether the densities are over all parameters together, in place of one density for each. Default: false. */
  readonly multivariate?: boolean;
  /** The share of trials that count as the best ones, at most 25 trials. Default: 0.1, and 0.15 if `multivariate`. */
  readonly best?: number;
  /**
   * How far a density reaches around one trial if `multivariate`, as a share of the range; it shrinks as trials become more.
   * Default: 0.15.
   */
  readonly bandwidth?: number;
  /** The weight of the prior beside one trial. Default: 1. */
  readonly priorWeight?: number;
}

const rules: Rules<TpeOptions> = {
  startup: whole(1),
  candidates: whole(1),
  multivariate: aBoolean,
  best: aShare,
  bandwidth: numberFrom(1e-3),
  priorWeight: numberFrom(1e-12),
};

/**
 * Models the parameters of the best trials by one density and those of the others by another one, and tries what is likely in
 * the first and unlikely in the second. Works with options, conditional parameters and several objectives. Trials of the same
 * generation count among the others, so that they differ.
 */
export function tpe(options: TpeOptions = {}): Search {
  checkOptions('tpe', options, rules);
  const { startup = 10, candidates = 24, multivariate = false, priorWeight = 1 } = options;
  const { best: share = multivariate ? 0.15 : 0.1, bandwidth = 0.15 } = options;
  const settings = { startup, candidates, multivariate, best: share, bandwidth, priorWeight };
  const density = { priorWeight, bandwidth: multivariate ? bandwidth : undefined };
  return {
    name: 'tpe',
    options: settings,
    isAdaptive: true,
    over: (problem) => {
      const groups = groupsOf(problem.dimensions, multivariate);
      return (history, numbers) => {
        if (history.length < startup) return numbers.map((trial) => latinAssignment(problem, startup, trial));
        const { below, above } = splitHistory(problem.objectives, history, share);
        const best = below.map(({ params }) => params);
        const others = above.map(({ params }) => params);
        return numbers.map((trial) => {
          const densities = groups.map((group) => densitiesOf(group, best, others, density));
          const assignment = firstAccepted(problem, (attempt) =>
            propose(densities, foldIn(foldIn(trialKey(problem.seed, trial), 'tpe'), attempt), candidates),
          );
          others.push(assignment);
          return assignment;
        });
      };
    },
  };
}

/** Parameters with one density. They exist under the same conditions. */
interface Group {
  readonly id: string;
  /** One of its parameters, by which to tell whether they exist. */
  readonly first: Dimension;
  readonly modelled: readonly { readonly name: string; readonly axis: ModelAxis }[];
  /** The parameters of one value. */
  readonly fixed: Assignment;
}

/** The groups in an order in which a choice comes before what exists under it. */
function groupsOf(dimensions: readonly Dimension[], multivariate: boolean): readonly Group[] {
  const groups = new Map<string, Dimension[]>();
  for (const dimension of dimensions) {
    const id = multivariate ? JSON.stringify(dimension.conditions) : dimension.id;
    groups.set(id, [...(groups.get(id) ?? []), dimension]);
  }
  return [...groups].map(([id, members]) => groupOf(id, members));
}

function groupOf(id: string, members: readonly Dimension[]): Group {
  const fixed: Record<string, ParamValue> = {};
  const modelled: { name: string; axis: ModelAxis }[] = [];
  for (const { name, domain } of members) {
    const axis = axisOf(domain);
    if (axis.kind === 'fixed') fixed[name] = axis.value;
    else modelled.push({ name, axis });
  }
  return { id, first: members[0]!, modelled, fixed };
}

interface Densities {
  readonly group: Group;
  readonly below: Parzen;
  readonly above: Parzen;
}

function densitiesOf(
  group: Group,
  best: readonly Assignment[],
  others: readonly Assignment[],
  options: ParzenOptions,
): Densities {
  const axes = group.modelled.map(({ axis }) => axis);
  const density = (assignments: readonly Assignment[]): Parzen =>
    new Parzen(axes, pointsOf(group, assignments), options);
  return { group, below: density(best), above: density(others) };
}

/** The coordinates of those assignments in which the group exists. */
const pointsOf = ({ first, modelled }: Group, assignments: readonly Assignment[]): readonly Point[] =>
  assignments
    .filter((assignment) => existsIn(first, assignment))
    .map((assignment) => modelled.map(({ name, axis }) => coordinateOf(axis, assignment[name]!)));

const coordinateOf = (axis: ModelAxis, value: ParamValue): number =>
  axis.kind === 'options' ? axis.options.indexOf(value) : axis.toCoordinate(value);

const valueOfCoordinate = (axis: ModelAxis, coordinate: number): ParamValue =>
  axis.kind === 'options' ? axis.options[coordinate]! : axis.toValue(coordinate);

/** The best of some draws in each group that exists under the choices of the groups before. */
function propose(densities: readonly Densities[], key: Key, numCandidates: number): Assignment {
  const values: Record<string, ParamValue> = {};
  for (const one of densities) {
    const { first, modelled, fixed } = one.group;
    if (!existsIn(first, values)) continue;
    const point = bestCandidate(one, key, numCandidates);
    Object.assign(values, fixed);
    for (const [i, { name, axis }] of modelled.entries()) values[name] = valueOfCoordinate(axis, point[i]!);
  }
  return inOrder(values);
}

/** The draw whose density among the best trials is largest beside that among the others; the first one of a tie. */
function bestCandidate({ group, below, above }: Densities, key: Key, numCandidates: number): Point {
  const picks = uniforms(foldIn(foldIn(key, 'component'), group.id), numCandidates);
  const numbers = group.modelled.map(({ name }) => uniforms(foldIn(key, name), numCandidates));
  let best: Point = [];
  let bestScore = Number.NaN;
  for (const [i, pick] of picks.entries()) {
    const point = below.sample(
      pick,
      numbers.map((list) => list[i]!),
    );
    const score = below.logDensity(point) - above.logDensity(point);
    if (score <= bestScore) continue;
    best = point;
    bestScore = score;
  }
  return best;
}
