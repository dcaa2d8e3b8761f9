/**
 * What a larger batch brings: steps to a goal against the batch size (Shallue et al., 2019). With perfect scaling, twice the batch needs
 * half of the steps; then twice the batch saves less and less; at last it saves nothing.
 */
import { type Direction, type Evaluation, meanAndSpread } from '@lockstep/search';
import { log, pow } from './math.ts';
import { stepsToTarget } from './target.ts';

/** One run of a batch size. */
export interface BatchRun {
  readonly batchSize: number;
  readonly seed: number;
  /** Of the metric of the target, in ascending order of steps. */
  readonly evaluations: readonly Evaluation[];
}

/** The part of a curve of steps against the batch size. */
export type Region = 'perfect' | 'diminishing' | 'saturated';

export interface BatchRow {
  readonly batchSize: number;
  readonly numSeeds: number;
  /** Of the last evaluation: the mean over seeds, and the sample standard deviation, null for one seed. */
  readonly final: { readonly mean: number; readonly spread: number | null };
  /** Of how many seeds the target was reached. */
  readonly numReached: number;
  /** Means over seeds, if every seed has reached the target. */
  readonly stepsToTarget?: number;
  readonly samplesToTarget?: number;
  /** The steps of perfect scaling from the smallest batch that reaches the target, over those that were needed. */
  readonly efficiency?: number;
  readonly region?: Region;
}

/** From this efficiency on, scaling counts as perfect: of five samples, one is wasted at most. */
export const perfectFrom = 0.8;
/** Twice the batch that saves less than this part of the steps counts as saturated. */
export const savingUntil = 0.1;

/** A row for each batch size, in ascending order. */
export function batchRows(
  runs: readonly BatchRun[],
  target: number,
  direction: Direction,
): readonly BatchRow[] {
  const sizes = [...new Set(runs.map(({ batchSize }) => batchSize))].sort((a, b) => a - b);
  const rows: BatchRow[] = [];
  for (const batchSize of sizes) {
    const own = runs.filter((run) => run.batchSize === batchSize);
    const final = meanAndSpread(own.map(({ evaluations }) => evaluations.at(-1)?.value ?? Number.NaN));
    const steps = own.map(({ evaluations }) => stepsToTarget(evaluations, target, direction));
    const reached = steps.filter((step) => step !== undefined);
    const row = { batchSize, numSeeds: own.length, final, numReached: reached.length };
    const hasAll = reached.length === own.length;
    rows.push(hasAll ? { ...row, ...scaled(batchSize, meanAndSpread(reached).mean, rows) } : row);
  }
  return rows;
}

type Scaled = Required<Pick<BatchRow, 'stepsToTarget' | 'samplesToTarget' | 'efficiency' | 'region'>>;

/** @param smaller the rows of smaller batches */
function scaled(batchSize: number, steps: number, smaller: readonly BatchRow[]): Scaled {
  const reaching = smaller.filter((row) => row.stepsToTarget !== undefined);
  const [first, before] = [reaching[0], reaching.at(-1)];
  const samplesToTarget = steps * batchSize;
  const efficiency = first === undefined ? 1 : first.samplesToTarget! / samplesToTarget;
  return {
    stepsToTarget: steps,
    samplesToTarget,
    efficiency,
    region: regionOf(efficiency, batchSize, steps, before),
  };
}

function regionOf(
  efficiency: number,
  batchSize: number,
  steps: number,
  before: BatchRow | undefined,
): Region {
  if (efficiency >= perfectFrom || before === undefined) return 'perfect';
  const doublings = log(batchSize / before.batchSize) / log(2);
  const savedByDoubling = 1 - pow(steps / before.stepsToTarget!, 1 / doublings);
  return savedByDoubling < savingUntil ? 'saturated' : 'diminishing';
}

/** Steps against the batch size as steps = least·(1 + critical/batchSize). */
export interface StepFit {
  /** The steps that no batch size goes below. */
  readonly leastSteps: number;
  /** The batch size that needs twice as many; there a sample brings half of what it brings in a small batch. */
  readonly criticalBatch: number;
}

/**
 * The fit of McCandlish et al. (2018, equation 2.11) by least squares of relative errors; undefined with fewer than three sizes that reach
 * the target, and where the steps do not have that form.
 */
export function fitSteps(rows: readonly BatchRow[]): StepFit | undefined {
  const points = rows.filter((row) => row.stepsToTarget !== undefined);
  if (points.length < 3) return undefined;
  // Minimises the sum of (least·u + product·v − 1)² with u = 1/steps and v = 1/(steps·batchSize).
  let [uu, uv, vv, su, sv] = [0, 0, 0, 0, 0];
  for (const { stepsToTarget: steps, batchSize } of points) {
    const u = 1 / steps!;
    const v = u / batchSize;
    uu += u * u;
    uv += u * v;
    vv += v * v;
    su += u;
    sv += v;
  }
  const determinant = uu * vv - uv * uv;
  const leastSteps = (su * vv - sv * uv) / determinant;
  const product = (sv * uu - su * uv) / determinant;
  const isOfForm = leastSteps > 0 && product > 0 && Number.isFinite(product / leastSteps);
  return isOfForm ? { leastSteps, criticalBatch: product / leastSteps } : undefined;
}
