/**
 * Proves parts of a run: whole intervals between saved states are computed again and compared with all that was recorded of them, and
 * with the checkpoint that closes each. The seal shows whether files were altered since the run ended.
 */
import { checkSeal, type SealReport } from '@lockstep/tracking';
import {
  Check,
  type CheckOptions,
  compareCheckpoint,
  type Evidence,
  type Finding,
  readEvidence,
} from './check.ts';
import type { Compared } from './comparison.ts';
import { type Draw, drawIntervals, type Interval, intervalsBetween } from './intervals.ts';
import type { RecordedRun } from './recorded-run.ts';

export interface VerifyOptions extends CheckOptions {
  /** Which intervals are drawn. */
  readonly seed: number;
  /** The least part of all steps that the drawn intervals cover. Default 0.1. */
  readonly fraction?: number;
}

export interface CheckedInterval extends Interval {
  /** Where the interval parts from its computation; null if it does not. */
  readonly finding: Finding | null;
}

export interface Verification extends Omit<Draw, 'drawn'> {
  /** Whether nothing was found: in no interval, no file that was sealed, and no part of the step record. */
  readonly verified: boolean;
  readonly seed: number;
  readonly intervals: readonly CheckedInterval[];
  readonly seal: SealReport;
  /** What is damaged in the step record, or was computed twice with different results. A sentence each. */
  readonly damaged: readonly string[];
  readonly compared: Compared;
}

/** The intervals that `verify` draws, before it computes any. */
export function planVerification(run: RecordedRun, { logs }: Evidence, options: VerifyOptions): Draw {
  const { firstStep, checkpoints } = run;
  const saved = [...new Set([firstStep, ...checkpoints])].filter((step) => step <= logs.lastStep);
  const { seed, fraction = 0.1 } = options;
  return drawIntervals(intervalsBetween(saved.sort((a, b) => a - b)), fraction, seed);
}

/** Stops at nothing: each drawn interval is checked, whatever the others show. */
export async function verifyRun(run: RecordedRun, options: VerifyOptions): Promise<Verification> {
  const evidence = await readEvidence(run);
  const { drawn, ...draw } = planVerification(run, evidence, options);
  const seal = await checkSeal(run.folder);
  const check = new Check(run, evidence, options);
  const intervals: CheckedInterval[] = [];
  for (const interval of drawn) intervals.push({ ...interval, finding: await findingOf(check, interval) });
  const damaged = damageOf(evidence);
  const isClean = intervals.every(({ finding }) => finding === null) && damaged.length === 0;
  return {
    ...{ verified: isClean && seal.findings.length === 0, seed: options.seed, ...draw },
    ...{ intervals, seal, damaged, compared: check.compared },
  };
}

async function findingOf(check: Check, interval: Interval): Promise<Finding | null> {
  const finding = (await check.interval(interval)) ?? check.finalEvaluation();
  if (finding !== undefined) return finding;
  const difference = await compareCheckpoint(check.computation);
  return difference === undefined ? null : { kind: 'checkpoint', step: interval.to, difference };
}

function damageOf({ record }: Evidence): string[] {
  const { damaged = [], conflicts = [] } = record ?? {};
  return [
    ...damaged.map(({ path, offset, what }) => `${path}, at byte ${offset}: ${what}`),
    ...conflicts.map(
      ({ step, generations, what }) =>
        `step ${step} was computed in generations ${generations.join(' and ')} with different results: ${what}`,
    ),
  ];
}
