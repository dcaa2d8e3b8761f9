/**
 * Intervals between saved states, each computed apart from the others, so that threads can share them. The bits of an interval follow
 * from its first state; that it is the state of the run is shown by the interval before it, whose end is compared with it.
 */
import {
  Check,
  type CheckOptions,
  compareCheckpoint,
  type Evidence,
  type Finding,
  readEvidence,
} from './check.ts';
import type { Compared } from './comparison.ts';
import { diffWithComputation, type RunDifference } from './diff.ts';
import { type Interval, intervalsBetween } from './intervals.ts';
import type { RecordedRun } from './recorded-run.ts';
import type { RunLogs } from './run-logs.ts';

/** What a part of `verify` has shown. Plain data, which threads can send. */
export interface CheckedPart {
  /** Where the interval parts from its computation; null if it does not. */
  readonly finding: Finding | null;
  readonly compared: Compared;
}

/** Computes the steps of an interval and compares them, and the checkpoint that closes it. */
export async function checkPart(
  run: RecordedRun,
  evidence: Evidence,
  interval: Interval,
  options: CheckOptions = {},
): Promise<CheckedPart> {
  const check = new Check(run, evidence, options);
  const finding = (await check.interval(interval)) ?? check.finalEvaluation() ?? (await closing(check));
  return { finding: finding ?? null, compared: check.compared };
}

/** Undefined also for a state that was not saved, with which the last interval may end. */
async function closing({ computation }: Check): Promise<Finding | undefined> {
  if (!computation.run.checkpoints.includes(computation.step)) return undefined;
  const difference = await compareCheckpoint(computation);
  return difference && { kind: 'checkpoint', step: computation.step, difference };
}

/** What a part of `diff` has shown. Plain data, which threads can send. */
export interface DiffedPart {
  readonly difference: RunDifference | null;
  /** Whether the checkpoint that closes the interval is the state that was computed, so that the next interval begins where this ends. */
  readonly isClosed: boolean;
}

export async function diffPart(
  run: RecordedRun,
  evidence: Evidence,
  { from, to }: Interval,
  options: CheckOptions = {},
): Promise<DiffedPart> {
  const check = new Check(run, evidence, options);
  const difference = await diffWithComputation(run, { from, until: to, evidence, check });
  const isClosed = difference === undefined && (await compareCheckpoint(check.computation)) === undefined;
  return { difference: difference ?? null, isClosed };
}

/** The intervals of a run from the state of `from` on; the last one ends at the last recorded step. None if no step is behind `from`. */
export function partsFrom(
  { firstStep, checkpoints }: Pick<RecordedRun, 'firstStep' | 'checkpoints'>,
  { lastStep }: Pick<RunLogs, 'lastStep'>,
  from: number,
): readonly Interval[] {
  if (from >= lastStep) return [];
  const saved = [firstStep, ...checkpoints].filter((step) => step >= from && step < lastStep);
  return intervalsBetween([...new Set([from, ...saved, lastStep])].sort((a, b) => a - b));
}

export interface DiffInPartsOptions extends CheckOptions {
  /** A step with a saved state. Default: the first one. */
  readonly from?: number;
  /** Of the run. Default: it is read. */
  readonly evidence?: Evidence;
  /** Computes parts, in their order; it may leave out those behind a difference. Default: on this thread. */
  readonly diffParts?: (parts: readonly Interval[]) => Promise<readonly (DiffedPart | undefined)[]>;
}

/** What {@link diffWithComputation} gives, by parts. */
export async function diffInParts(
  run: RecordedRun,
  { from = run.firstStep, diffParts, ...given }: DiffInPartsOptions = {},
): Promise<RunDifference | undefined> {
  const { evidence = await readEvidence(run) } = given;
  const options = { ...given, evidence };
  const parts = partsFrom(run, evidence.logs, from);
  if (diffParts === undefined || parts.length < 2) return diffWithComputation(run, { ...options, from });
  const diffed = await diffParts(parts);
  for (const [i, part] of parts.entries()) {
    const { difference, isClosed } = diffed[i]!;
    if (difference !== null) return difference;
    // What begins at this checkpoint is not the run, so the rest is computed from the state before it.
    if (!isClosed && i < parts.length - 1) return diffWithComputation(run, { ...options, from: part.from });
  }
  return undefined;
}
