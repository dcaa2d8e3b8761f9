/**
 * How much each parameter decides whether a trial is among the best: PED-ANOVA (Watanabe, Bansal and Hutter, 2023). It compares
 * how a parameter is distributed over the best trials and over all of them.
 */
import { anObject, listOf, type Rules, signature } from '@lockstep/errors';
import type { ParamValue } from '@lockstep/params';
import { pow } from './math.ts';
import { normalMass } from './normal.ts';
import type { Objective } from './objective.ts';
import { type Dimension, dimensionsOf, existsIn } from './space/assignment.ts';
import { type Axis, axisOf, type NumericAxis } from './space/axis.ts';
import { checkForm } from './space/check.ts';
import type { Space } from './space/domain.ts';
import { anObjective, aRecordedTrial, aShare } from './study/kinds.ts';
import { ranked } from './study/rank.ts';
import type { RecordedTrial } from './study/trial.ts';

export interface ImportanceOptions {
  /** The share of trials that count as the best ones. Default: 0.1. */
  readonly best?: number;
}

export interface Importance {
  /** The parameter, with the choices under which it exists: `head=mlp/width`. */
  readonly id: string;
  /** Of all parameters together 1. */
  readonly importance: number;
}

const rules: Rules<ImportanceOptions> = { best: aShare };
const check = signature(
  'importances',
  { space: anObject, objective: anObjective, trials: listOf(aRecordedTrial) },
  rules,
);

/** Into how many cells the range of numbers is cut. */
const numCells = 64;

/**
 * The importance of each parameter, the largest first and equal ones by name. It is the divergence Σ p·(q/p − 1)² of the best
 * trials' density q from that of all complete trials, p, times the share of trials in which the parameter exists. Empty for fewer
 * than two complete trials.
 */
export function importances(
  space: Space,
  objective: Objective,
  trials: readonly RecordedTrial[],
  options: ImportanceOptions = {},
): readonly Importance[] {
  check(space, objective, trials, options);
  checkForm(space);
  const complete = ranked(
    objective,
    trials.filter(({ result }) => result.status === 'complete' && !Number.isNaN(result.values[0])),
  );
  if (complete.length < 2) return [];
  const best = complete.slice(0, Math.ceil((options.best ?? 0.1) * complete.length));
  const divergences = dimensionsOf(space).map((dimension) => ({
    id: dimension.id,
    divergence: divergenceOf(dimension, best, complete),
  }));
  const total = divergences.reduce((sum, { divergence }) => sum + divergence, 0);
  return divergences
    .map(({ id, divergence }) => ({ id, importance: total > 0 ? divergence / total : 0 }))
    .sort((a, b) => b.importance - a.importance || (a.id < b.id ? -1 : 1));
}

function divergenceOf(
  dimension: Dimension,
  best: readonly RecordedTrial[],
  all: readonly RecordedTrial[],
): number {
  const axis = axisOf(dimension.domain);
  const [top, every] = [valuesOf(dimension, best), valuesOf(dimension, all)];
  if (axis.kind === 'fixed' || top.length === 0) return 0;
  const [q, p] = [cellsOf(axis, top), cellsOf(axis, every)];
  const divergence = p.reduce((sum, share, i) => {
    const ratio = q[i]! / share - 1;
    return sum + share * ratio * ratio;
  }, 0);
  return (every.length / all.length) * divergence;
}

const valuesOf = (dimension: Dimension, trials: readonly RecordedTrial[]): readonly ParamValue[] =>
  trials.filter(({ params }) => existsIn(dimension, params)).map(({ params }) => params[dimension.name]!);

/** The probability of each option, or of each cell of a range. One observation of a flat prior keeps all of them above 0. */
function cellsOf(axis: Exclude<Axis, { kind: 'fixed' }>, values: readonly ParamValue[]): readonly number[] {
  const total = values.length + 1;
  if (axis.kind === 'options') {
    const { options } = axis;
    return options.map(
      (option) => (values.filter((value) => value === option).length + 1 / options.length) / total,
    );
  }
  const shares = smoothed(axis, values);
  return shares.map((share) => (values.length * share + 1 / numCells) / total);
}

/** A mixture of normal distributions around the values, by cells, with Scott's bandwidth but never less than a cell. */
function smoothed(axis: NumericAxis, values: readonly ParamValue[]): readonly number[] {
  const points = values.map((value) => (axis.toCoordinate(value) - axis.low) / (axis.high - axis.low));
  const n = points.length;
  const mean = points.reduce((sum, x) => sum + x, 0) / n;
  const variance = points.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / n;
  const width = Math.max(1 / numCells, 1.059 * Math.sqrt(variance) * pow(n, -0.2));
  const cells = new Array<number>(numCells).fill(0);
  for (const x of points) {
    const inside = normalMass(-x / width, (1 - x) / width);
    for (let cell = 0; cell < numCells; cell++) {
      cells[cell]! +=
        normalMass((cell / numCells - x) / width, ((cell + 1) / numCells - x) / width) / inside / n;
    }
  }
  return cells;
}
