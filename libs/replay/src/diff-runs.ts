/** The first difference between two runs, with its cause. */

import type { RecordedStep } from '@lockstep/tracking';
import type { HashesOfPrograms, StepValue } from '@lockstep/training';
import { type Evidence, firstDifferent, readEvidence } from './check.ts';
import { compareWith } from './comparison.ts';
import { Computation } from './computation.ts';
import { type Cause, diffWithComputation, type RunDifference } from './diff.ts';
import { findDifference, isOfModel } from './difference.ts';
import type { RecordedRun } from './recorded-run.ts';
import { savedBefore } from './state.ts';

export interface DiffRunsOptions {
  readonly onStep?: (step: number) => void;
}

/**
 * Compares two runs by what they have recorded. From the first step that differs, both are computed again on this thread: that shows
 * which of them parts from its own program, or if none does, the first array in which the programs part.
 *
 * @returns undefined if all steps that both runs have done are the same
 */
export async function diffRuns(
  a: RecordedRun,
  b: RecordedRun,
  options: DiffRunsOptions = {},
): Promise<RunDifference | undefined> {
  const [inA, inB] = [await readEvidence(a), await readEvidence(b)];
  const step = firstDifferentStep(inA, inB);
  if (step === undefined) return undefined;
  for (const run of [a, b]) {
    const from = savedBefore(run, Math.max(run.firstStep, step - 1));
    const own = await diffWithComputation(run, { ...options, from, until: step });
    if (own !== undefined) return own;
  }
  return diffOfPrograms(a, b, step, options);
}

/** By what both runs have recorded; undefined if it is the same. */
function firstDifferentStep(a: Evidence, b: Evidence): number | undefined {
  const comparison = compareWith(a.logs);
  const steps = [...b.logs.steps.keys()].sort((one, other) => one - other);
  return steps.find((step) => {
    const { metrics, ...marks } = b.logs.steps.get(step)!;
    const [inA, inB] = [a.steps.get(step), b.steps.get(step)];
    return (
      comparison.step(step, { metrics, ...marks }) !== undefined ||
      (inA !== undefined && inB !== undefined && isDifferent(inA, inB))
    );
  });
}

/** Compares the digests that both have: those of all members, and those of blocks with the same shards. */
function isDifferent(a: RecordedStep, b: RecordedStep): boolean {
  const members = b.members;
  if (isOfModel(a.form) !== isOfModel(b.form)) return false;
  return members.some(({ blocks, results, replica }) => {
    const [model] = replica;
    const ofModel = isOfModel(b.form) && model !== undefined ? { model } : {};
    return findDifference(a, { blocks, results, replica, ...ofModel }) !== undefined;
  });
}

/** Both runs are what their programs compute: the first array in which these part. */
async function diffOfPrograms(
  a: RecordedRun,
  b: RecordedRun,
  step: number,
  { onStep = () => undefined }: DiffRunsOptions,
): Promise<RunDifference | undefined> {
  const computations = [a, b].map((run) => new Computation(run, { record: 'full', evaluates: false }));
  const [one, other] = computations as [Computation, Computation];
  const from = commonStart(a, b, step);
  for (const computation of computations) await computation.restoreFrom(from);
  const stateOf = ({ variables, arrays }: Computation): StepValue[] =>
    variables.map(({ name }, i) => ({ part: 'replica', name, data: arrays[i]! }));
  const cause = causeBetween(a, b);
  const atStart = firstDifferentValue(stateOf(one), stateOf(other));
  if (atStart !== undefined) return { step: from, ...atStart, cause };
  while (one.step < step) {
    for (const computation of computations) computation.advance();
    const found = firstDifferentValue(one.worker.values(one.step), other.worker.values(other.step));
    if (found !== undefined) return { step: one.step, ...found, cause: isOfBatch(found) ? 'batch' : cause };
    onStep(one.step);
  }
  return undefined;
}

/** The newest state before `step` that both runs have saved, which is the same in both. */
function commonStart(a: RecordedRun, b: RecordedRun, step: number): number {
  const saved = a.checkpoints.filter((one) => one < step && b.checkpoints.includes(one));
  return saved.at(-1) ?? Math.max(a.firstStep, b.firstStep);
}

const isOfBatch = ({ part }: Pick<RunDifference, 'part'>): boolean =>
  part === 'samples' || part === 'columns';

type ValueDifference = Omit<RunDifference, 'step' | 'cause'>;

function firstDifferentValue(
  ofA: readonly StepValue[],
  ofB: readonly StepValue[],
): ValueDifference | undefined {
  for (const [i, value] of ofA.entries()) {
    const same = ofB[i];
    const { part, exchange, name, data } = value;
    const place = {
      part,
      ...(exchange !== undefined && { exchange }),
      variable: name,
      shards: null,
      worker: null,
    };
    if (same?.name !== name || same.data.length !== data.length) {
      const there = same === undefined ? 'no such array' : `${same.name} with ${same.data.length} elements`;
      const note = `the first run has ${name} with ${data.length} elements, the second ${there}`;
      return { ...place, element: null, note };
    }
    const element = firstDifferent(data, same.data);
    if (element === undefined) continue;
    const note = 'both runs are as their programs compute them here; the elements are those of the two runs';
    return { ...place, element, note };
  }
  return undefined;
}

/** What the runs differ in: the first of these explains a difference of their results. */
function causeBetween(a: RecordedRun, b: RecordedRun): Cause {
  if (a.dataset.hash !== b.dataset.hash) return 'batch';
  if (a.profile !== b.profile) return 'profile';
  const [one, other] = [a, b].map((run) => run.hashes) as [HashesOfPrograms, HashesOfPrograms];
  const names = Object.keys(one) as (keyof HashesOfPrograms)[];
  if (names.some((name) => one[name] !== other[name])) return 'program';
  return buildOf(a) === buildOf(b) ? 'setting' : 'build';
}

const buildOf = ({ manifest }: RecordedRun): unknown =>
  Array.isArray(manifest.builds) ? (manifest.builds as unknown[]).at(-1) : undefined;
