/** Trains one run of a sweep on its pool: to its end, or to the rung at which its trial is compared with others. */
import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Pool, PooledRun } from '@lockstep/coordinator';
import { fromWireError } from '@lockstep/errors';
import { bundleName } from '@lockstep/inference';
import type { Outcome, Pause } from '@lockstep/protocol';
import type { RunResult, SweepRun } from '@lockstep/sweep';
import { logPath } from '@lockstep/tracking';
import type { OpenedRun } from '../run-folder.ts';
import { openRunFolder } from '../run-folder.ts';
import { endingOf } from '../session.ts';
import type { ResolvedTrial } from './trial-config.ts';
import type { CostCounter, Costs } from './trial-cost.ts';
import { openTrial, prepareRun, reasonOf, type TrialSource } from './trial-folder.ts';
import { countLosses } from './trial-losses.ts';
import { resultOf, valueAtPause, valuesOfLogs } from './trial-values.ts';

export interface Training extends TrialSource {
  readonly pool: Pool;
  readonly costs: CostCounter;
  /** Called with the folder of a run before it is trained, also when it goes on there. */
  readonly onBegun: (run: SweepRun, name: string) => void;
  /** Called with a function that stops the run cleanly, each time it is called. Returns one that forgets it. */
  readonly onStop: (run: SweepRun, stop: () => void) => () => void;
  /** Called after each step, with the number of steps that the run makes in all. */
  readonly onStep: (run: SweepRun, step: number, totalSteps: number | undefined) => void;
}

/** stopped: somebody has stopped the run. setAside: its workers do not survive it. */
export type TrialEnd =
  | { readonly type: 'ended'; readonly result: RunResult }
  | { readonly type: 'stopped' }
  | { readonly type: 'setAside'; readonly reason: string };

/** Throws what went wrong outside the trial. */
export async function trainTrial(run: SweepRun, training: Training): Promise<TrialEnd> {
  const prepared = await affordable(run, training);
  if ('reason' in prepared) return { type: 'ended', result: prepared };
  const opened = await openTrial(run, prepared, training);
  training.onBegun(run, basename(opened.run.folder));
  const session: TrialSession = { run, training, ...prepared };
  const end = await trainTo(session, opened, pauseOf(run, training));
  const isPausedAtEnd = run.rung?.isLast && end.outcome.reason === 'paused';
  if (!isPausedAtEnd || end.aside !== undefined) return endOf(session, end);
  // The rung is at the run's last step: it ends like any other run, with its own last evaluation.
  const last = await trainTo(session, await openRunFolder(end.folder, 'trial'), undefined);
  return last.outcome.reason === 'finished' ? endOf(session, end) : endOf(session, last);
}

interface Affordable extends ResolvedTrial {
  readonly costs: Costs;
}

/** The run, or why it is not trained: the experiment refuses its parameters, or it costs too much. */
async function affordable(
  run: SweepRun,
  training: Training,
): Promise<Affordable | { readonly reason: string }> {
  try {
    const prepared = prepareRun(run, training);
    const costs = await training.costs.costsOf(prepared);
    const reason = training.costs.refusal(costs);
    return reason === undefined ? { ...prepared, costs } : { reason };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) throw error;
    return { reason };
  }
}

function pauseOf({ rung }: SweepRun, { sweep }: Training): Pause | undefined {
  if (rung === undefined) return undefined;
  const split = sweep.objective.metric.startsWith('test/') ? 'test' : 'validation';
  return { step: rung.steps, split };
}

interface TrialSession extends Affordable {
  readonly run: SweepRun;
  readonly training: Training;
}

interface StageEnd {
  readonly outcome: Outcome;
  readonly folder: string;
  /** Why the run was set aside. */
  readonly aside: string | undefined;
}

/** Trains from the newest checkpoint up to a pause or the end, and closes the folder. */
async function trainTo(
  { run, training, name, config }: TrialSession,
  opened: OpenedRun,
  pause: Pause | undefined,
): Promise<StageEnd> {
  const { pool, sweep, profile } = training;
  const { folder } = opened.run;
  const pooled = await pool
    .train({
      run: opened.run,
      experiment: { name, bundle: opened.bundle },
      config: { run: config, name },
      numShards: config.numShards,
      order: run.trial * sweep.repeats + run.repeat,
      work: pause?.step ?? 1,
      sealedFiles: [bundleName],
      ...(pause && { pause }),
    })
    .catch(async (error: unknown) => {
      await opened.run.close();
      throw error;
    });
  const losses = countLosses(pooled);
  pooled.onUpdate((update) => {
    if (update.type !== 'progress') return;
    const { totalSteps } = update.report;
    training.onStep(run, update.step, typeof totalSteps === 'number' ? totalSteps : undefined);
  });
  const forget = training.onStop(run, () => pooled.interrupt());
  const outcome = await pooled.done;
  forget();
  losses.stop();
  noteEnd(opened, outcome, profile, pooled);
  const gap = opened.run.gaps().find(({ path }) => path === logPath(folder, 'metrics'));
  await pooled.close();
  if (gap !== undefined) {
    // Its value may be among what is lost, so the run is trained again when there is room.
    await rm(folder, { recursive: true });
    throw gap.error;
  }
  return { outcome, folder, aside: losses.reason };
}

function noteEnd({ run }: OpenedRun, outcome: Outcome, profile: string, pooled: PooledRun): void {
  const ending = endingOf(outcome, run.folder, profile, pooled.numNonFinite(), false);
  if (ending.type === 'done' || ending.type === 'stoppedNonFinite') {
    run.appendEvent({ time: new Date().toISOString(), type: ending.type, ending });
  }
}

async function endOf(
  { training, costs }: TrialSession,
  { outcome, folder, aside }: StageEnd,
): Promise<TrialEnd> {
  if (aside !== undefined) return { type: 'setAside', reason: aside };
  const { objectives } = training.sweep;
  const ended = (result: RunResult): TrialEnd => ({ type: 'ended', result });
  const { reason, step } = outcome;
  switch (reason) {
    case 'finished': {
      const values = await valuesOfLogs(objectives, costs, folder);
      return ended(resultOf(objectives, ({ metric }) => values.get(metric)!, step));
    }
    case 'paused':
      return ended(resultOf(objectives, (one) => valueAtPause(one, costs, outcome.result), step));
    case 'interrupted':
      return { type: 'stopped' };
    case 'nonFinite':
      return ended({ reason: `step ${step} is not finite: ${outcome.found.what.join(', ')}` });
    case 'failed': {
      const error = fromWireError(outcome.error);
      const own = reasonOf(error);
      if (own === undefined) throw error;
      return ended({ reason: own });
    }
    default:
      return reason satisfies never;
  }
}
