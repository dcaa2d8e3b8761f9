/** How long a sweep takes: measured on a few steps of its first trial, which are thrown away. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Pool, startPool } from '@lockstep/coordinator';
import { fromWireError, LockstepError } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import type { RunConfig } from '@lockstep/run';
import { assignBrackets } from '@lockstep/search';
import type { Sweep, SweepRun } from '@lockstep/sweep';
import { buildHash, workerEntry } from '@lockstep/worker';
import { pino } from 'pino';
import { describeExit, startLocalWorkers } from '../local-workers.ts';
import { version } from '../project.ts';
import { createRunFolder, logFolder } from '../run-folder.ts';
import type { SweepExperiment } from './sweep-file.ts';
import { type ResolvedTrial, resolveTrial } from './trial-config.ts';

/** Times are in seconds, of one worker. */
export interface Measured {
  /** From the start of the worker to the first step. */
  readonly start: number;
  /** From one run of a warm worker to the first step of the next. */
  readonly between: number;
  readonly step: number;
  /** The evaluation at the end of a run, with all that follows. */
  readonly evaluation: number;
  readonly totalSteps: number;
  readonly epochs: number;
  /** The steps that were trained for this. */
  readonly numMeasured: number;
}

export interface Estimate {
  readonly numRuns: number;
  /** Of all runs. Where trials are stopped by the median rule, at most so many. */
  readonly numSteps: number;
  readonly secondsPerRun: number;
  readonly seconds: number;
}

/** The times of a whole sweep on `numWorkers` workers like the measured one, if all trials take as long as the first. */
export function estimateOf(
  {
    trials,
    repeats,
    stopping,
  }: Pick<Sweep, 'trials' | 'repeats'> & { readonly stopping?: Sweep['stopping'] | undefined },
  { start, between, step, evaluation, totalSteps, epochs }: Measured,
  numWorkers: number,
): Estimate {
  const numRuns = trials * repeats;
  const stepsOfTrials =
    stopping !== undefined && 'brackets' in stopping
      ? assignBrackets(stopping, trials).reduce((sum, { rungs }) => sum + stepsIn(rungs), 0)
      : trials * totalSteps;
  const numSteps = stepsOfTrials * repeats;
  const secondsPerRun = between + (numSteps / numRuns) * step + Math.max(1, epochs) * evaluation;
  // The last runs keep fewer workers busy than there are.
  const rounds = Math.max(numRuns / numWorkers, 1);
  return { numRuns, numSteps, secondsPerRun, seconds: start + rounds * secondsPerRun };
}

/** A trial that is continued makes only the steps from one rung to the next. */
const stepsIn = (rungs: readonly { readonly trials: number; readonly steps: number }[]): number =>
  rungs.reduce((sum, { trials, steps }, i) => sum + trials * (steps - (rungs[i - 1]?.steps ?? 0)), 0);

const maxSteps = 20;
const maxMs = 2_000;

/** Trains a few steps of a run, then one step in the same worker. Throws what fails in it. */
export async function measureRun(
  run: SweepRun,
  sweep: Sweep,
  experiment: SweepExperiment,
  { profile, threads }: { readonly profile: Profile; readonly threads: number },
): Promise<Measured> {
  const root = await mkdtemp(join(tmpdir(), 'lockstep-estimate-'));
  await mkdir(logFolder(root));
  const logger = pino({ level: 'silent' });
  const pool = await startPool({
    ...{ bind: 'tcp://127.0.0.1:0', version, build: buildHash(), profile, logger },
  });
  let fail: (error: LockstepError) => void;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);
  const local = startLocalWorkers({
    ...{ count: 1, threads, endpoint: pool.endpoint, keysFolder: undefined },
    ...{ logFolder: logFolder(root), entry: workerEntry },
    onExit: (exit) => fail(new LockstepError('lost', describeExit(exit))),
  });
  const { steps, epochs, limitSamples } = sweep;
  const overrides = { seed: run.seed, steps, epochs, limitSamples };
  try {
    const whole = resolveTrial(experiment, run.params, overrides);
    const first = await Promise.race([timesOf(pool, root, experiment, whole, profile), failed]);
    const short = resolveTrial(experiment, run.params, { ...overrides, steps: 1, epochs: undefined });
    const second = await Promise.race([timesOf(pool, root, experiment, short, profile), failed]);
    return {
      ...{ start: first.toFirstStep, between: second.toFirstStep, evaluation: second.afterLastStep },
      ...{ step: first.perStep, totalSteps: first.totalSteps, numMeasured: first.numSteps },
      epochs: whole.config.epochs ?? 1,
    };
  } finally {
    await pool.close(0);
    await local.stop(0);
    await rm(root, { recursive: true, force: true });
  }
}

interface RunTimes {
  readonly toFirstStep: number;
  readonly perStep: number;
  readonly afterLastStep: number;
  readonly numSteps: number;
  readonly totalSteps: number;
}

async function timesOf(
  pool: Pool,
  root: string,
  code: SweepExperiment,
  { name, config }: ResolvedTrial,
  profile: Profile,
): Promise<RunTimes> {
  const began = performance.now();
  const facts = { durability: 'trial' } as const;
  const opened = await createRunFolder(root, { ...code, name }, config, profile, facts);
  const pooled = await pool.train({
    run: opened.run,
    experiment: { name, bundle: opened.bundle },
    config: { run: config satisfies RunConfig, name },
    numShards: config.numShards,
  });
  const steps: { readonly step: number; readonly at: number }[] = [];
  let totalSteps = 1;
  pooled.onUpdate((update) => {
    if (update.type !== 'progress') return;
    const at = performance.now();
    steps.push({ step: update.step, at });
    if (typeof update.report.totalSteps === 'number') totalSteps = update.report.totalSteps;
    if (steps.length < maxSteps && at - steps[0]!.at < maxMs) return;
    // The second call stops without a checkpoint.
    for (let i = 0; i < 2; i++) pooled.interrupt();
  });
  const outcome = await pooled.done;
  await pooled.close();
  const ended = performance.now();
  if (outcome.reason === 'failed') throw fromWireError(outcome.error);
  const first = steps[0]?.at ?? ended;
  const last = steps.at(-1)?.at ?? ended;
  return {
    toFirstStep: (first - began) / 1_000,
    // Of a single step there is only its time from the start.
    perStep: steps.length > 1 ? (last - first) / 1_000 / (steps.length - 1) : (first - began) / 1_000,
    afterLastStep: (ended - last) / 1_000,
    ...{ numSteps: steps.length, totalSteps },
  };
}
