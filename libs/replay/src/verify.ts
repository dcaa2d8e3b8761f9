/**
 * Proves parts of a run: whole intervals between saved states are computed again and compared with all that was recorded of them, and
 * with the checkpoint that closes each. The seal shows whether files were altered since the run ended.
 */
import { checkSeal, type SealReport } from '@lockstep/tracking';
import { type CheckOptions, type Evidence, type Finding, readEvidence } from './check.ts';
import type { Compared } from './comparison.ts';
import { type Draw, drawIntervals, type Interval } from './intervals.ts';
import { type CheckedPart, checkPart, partsFrom } from './parts.ts';
import type { RecordedRun } from './recorded-run.ts';

export interface VerifyOptions extends CheckOptions {
  /** Which intervals are drawn. */
  readonly seed: number;
  /** The least part of all steps that the drawn intervals cover. Default 0.1. */
  readonly fraction?: number;
  /** Computes intervals, in their order. Default: on this thread. */
  readonly checkParts?: (intervals: readonly Interval[]) => Promise<readonly CheckedPart[]>;
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

/** The intervals that `verify` draws, before it computes any. Steps behind the last saved state are an interval too. */
export function planVerification(run: RecordedRun, { logs }: Evidence, options: VerifyOptions): Draw {
  const { seed, fraction = 0.1 } = options;
  return drawIntervals(partsFrom(run, logs, run.firstStep), fraction, seed);
}

/** Stops at nothing: each drawn interval is checked, whatever the others show. */
export async function verifyRun(run: RecordedRun, options: VerifyOptions): Promise<Verification> {
  const evidence = await readEvidence(run);
  const { drawn, ...draw } = planVerification(run, evidence, options);
  const seal = await checkSeal(run.folder);
  const { checkParts = (parts) => checkHere(run, evidence, parts, options) } = options;
  const checked = await checkParts(drawn);
  const intervals = drawn.map(
    (interval, i): CheckedInterval => ({ ...interval, finding: checked[i]!.finding }),
  );
  const damaged = damageOf(evidence);
  const isClean = intervals.every(({ finding }) => finding === null) && damaged.length === 0;
  return {
    ...{ verified: isClean && seal.findings.length === 0, seed: options.seed, ...draw },
    ...{ intervals, seal, damaged, compared: together(checked.map(({ compared }) => compared)) },
  };
}

async function checkHere(
  run: RecordedRun,
  evidence: Evidence,
  intervals: readonly Interval[],
  options: CheckOptions,
): Promise<readonly CheckedPart[]> {
  const checked: CheckedPart[] = [];
  for (const interval of intervals) checked.push(await checkPart(run, evidence, interval, options));
  return checked;
}

const together = (parts: readonly Compared[]): Compared =>
  parts.reduce(
    (sum, { steps, fingerprints, evaluations, digests }) => ({
      steps: sum.steps + steps,
      fingerprints: sum.fingerprints + fingerprints,
      evaluations: sum.evaluations + evaluations,
      digests: sum.digests + digests,
    }),
    none,
  );

const none: Compared = { steps: 0, fingerprints: 0, evaluations: 0, digests: 0 };

/** What is damaged in the step record of a run, whose digests are then not compared. A sentence each. */
export const damagedRecord = ({ record }: Pick<Evidence, 'record'>): readonly string[] =>
  (record?.damaged ?? []).map(({ path, offset, what }) => `${path}, at byte ${offset}: ${what}`);

function damageOf({ record }: Evidence): string[] {
  const { conflicts = [] } = record ?? {};
  return [
    ...damagedRecord({ record }),
    ...conflicts.map(
      ({ step, generations, what }) =>
        `step ${step} was computed in generations ${generations.join(' and ')} with different results: ${what}`,
    ),
  ];
}
