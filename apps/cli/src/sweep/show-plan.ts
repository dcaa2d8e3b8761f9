/** `lockstep sweep --dry-run`: the trials that do not depend on results, and how long the sweep takes. */
import { offeredProfiles } from '@lockstep/kernels';
import { createLedger, type Sweep, type SweepRun } from '@lockstep/sweep';
import { duration, plural, rate } from '../display/format.ts';
import { exitCodes } from '../errors.ts';
import { threadsFor } from '../local-workers.ts';
import { estimateOf, type Measured, measureRun } from './estimate.ts';
import type { SweepDisplay } from './sweep-display.ts';
import type { SweepExperiment } from './sweep-file.ts';

interface PlanArgs {
  readonly workers: number;
  readonly threads: number | undefined;
}

/** Trains a few steps, which are thrown away, and says so. Resolves with the exit code. */
export async function showPlan(
  sweep: Sweep,
  experiment: SweepExperiment,
  args: PlanArgs,
  display: SweepDisplay,
): Promise<number> {
  const runs = independentRuns(sweep);
  const known = new Set(runs.map(({ trial }) => trial)).size;
  display.note(
    `${plural(sweep.trials, 'trial')} at most × ${plural(sweep.repeats, 'seed')}; those that do not depend on results, ${known}:`,
  );
  for (const { trial, seed, params } of runs) {
    display.note(`trial ${trial}, seed ${seed}: ${JSON.stringify(params)}`);
  }
  // Outside workers are taken for one like this machine.
  const numWorkers = Math.max(1, args.workers);
  const threads = threadsFor(args.threads, numWorkers, Number.MAX_SAFE_INTEGER);
  const profile = sweep.profile ?? offeredProfiles()[0]!;
  display.note('a few steps of trial 0 are trained now, to estimate the time; nothing of them is kept');
  const measured = await measureRun(runs[0]!, sweep, experiment, { profile, threads });
  display.estimated(estimateOf(sweep, measured, numWorkers), estimateTexts(sweep, measured, numWorkers));
  return exitCodes.done;
}

function independentRuns(sweep: Sweep): readonly SweepRun[] {
  const ledger = createLedger(sweep);
  const runs: SweepRun[] = [];
  for (let next = ledger.next(); typeof next === 'object'; next = ledger.next()) runs.push(next);
  return runs;
}

function estimateTexts(sweep: Sweep, measured: Measured, numWorkers: number): readonly string[] {
  const { numRuns, numSteps, seconds, secondsPerRun } = estimateOf(sweep, measured, numWorkers);
  const atMost = sweep.stopping?.name === 'median' ? ' at most' : '';
  const ms = (value: number): string => `${rate(1_000 * value)} ms`;
  const { step, between, evaluation, numMeasured } = measured;
  return [
    `${plural(numRuns, 'run')}, ${rate(numSteps)} steps in all${atMost}; about ${duration(seconds)} with ${plural(numWorkers, 'worker')}`,
    `each run takes about ${rate(secondsPerRun)} s, if all trials are like trial 0: ${ms(step)} a step (mean of ${numMeasured}), ${ms(between)} before the first one, ${ms(evaluation)} at the end of an epoch`,
  ];
}
