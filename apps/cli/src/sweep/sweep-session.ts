/** Trains what a sweep still needs: a pool, its local workers, and as many runs side by side as there are workers. */
import { type Pool, startPool } from '@lockstep/coordinator';
import { invariant, LockstepError } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import { createLedger, type Ledger, type Sweep, type SweepRun } from '@lockstep/sweep';
import { buildHash, workerEntry } from '@lockstep/worker';
import { openCoordinatorLog } from '../coordinator-log.ts';
import { localEndpoint } from '../join-address.ts';
import { describeExit, type LocalWorkers, startLocalWorkers, type WorkerExit } from '../local-workers.ts';
import { version } from '../project.ts';
import { createRestarts } from '../restarts.ts';
import { logFolder } from '../run-folder.ts';
import { onInterrupt } from '../signals.ts';
import type { SweepDisplay } from './sweep-display.ts';
import type { SweepExperiment } from './sweep-file.ts';
import { type OpenJournal, runsFolder } from './sweep-folder.ts';
import { type Training, trainTrial } from './train-trial.ts';
import { createCheckpointKeeper } from './trial-checkpoints.ts';
import { createCostCounter } from './trial-cost.ts';

export interface SweepSession {
  readonly folder: string;
  readonly name: string;
  readonly sweep: Sweep;
  readonly experiment: SweepExperiment;
  readonly profile: Profile;
  readonly journal: OpenJournal;
  readonly workers: number;
  /** Compute threads of each worker. */
  readonly threads: number;
  /** What checkpoints of runs that wait at a rung may take. Default: any space. */
  readonly checkpointBytes: number | undefined;
  readonly display: SweepDisplay;
}

/** How long workers that were told to stop may finish what they compute. */
const stopGraceMs = 5_000;

/** What a sweep has come to. */
export interface SweepProgress {
  readonly ledger: Ledger;
  /** Ctrl-C has stopped the sweep. */
  readonly isStopped: boolean;
}

/** Trains until nothing is left that can be trained, or Ctrl-C. Throws what is not a result of a trial. */
export async function trainSweep(session: SweepSession): Promise<SweepProgress> {
  const { folder, sweep, profile, journal } = session;
  const ledger = createLedger(sweep, journal.entries);
  const pool = await startPool({
    ...{ bind: 'tcp://127.0.0.1:0', version, build: buildHash(), profile },
    logger: openCoordinatorLog(logFolder(folder)),
  });
  showStart(session, ledger, pool.endpoint);
  const crew = startCrew(session, pool.endpoint);
  const stops = createStops();
  const { train, close } = createTrainer(session, ledger, { pool, crew, stops });
  const running = new Set<Promise<void>>();
  try {
    for (;;) {
      const next = stops.isStopped || running.size >= session.workers ? 'wait' : ledger.next();
      if (typeof next === 'object') {
        const one: Promise<void> = train(next).finally(() => running.delete(one));
        running.add(one);
      } else if (running.size === 0) {
        const isOver = next === 'done' || stops.isStopped || ledger.aside.length > 0;
        invariant(isOver, 'the sweep waits for runs that nobody trains');
        break;
      } else await Promise.race([...running, crew.failed]);
    }
    await close();
    return { ledger, isStopped: stops.isStopped };
  } finally {
    crew.dismiss();
    await pool.close(stopGraceMs);
    // What these runs throw comes from the end of the pool; the first error is thrown already.
    await Promise.allSettled(running);
    await crew.stop();
    stops.close();
  }
}

function showStart(session: SweepSession, ledger: Ledger, endpoint: string): void {
  const { folder, name, sweep, profile, workers, threads, display } = session;
  const numRecorded = ledger.recorded().length;
  display.started({ folder, name, sweep, profile, workers, threads, endpoint, numRecorded });
  for (const { metric } of sweep.objectives.filter((one) => one.metric.startsWith('test/'))) {
    display.note(
      `the objective is ${metric}: what the sweep chooses fits the test split, and its value there says little of other data`,
    );
  }
}

/** What Ctrl-C stops. */
interface Stops {
  readonly isStopped: boolean;
  /** Returns a function that takes it off the list. */
  add(stop: () => void): () => void;
  close(): void;
}

function createStops(): Stops {
  const stops = new Set<() => void>();
  let isStopped = false;
  const close = onInterrupt((times) => {
    if (times > 2) process.exit(130);
    isStopped = true;
    for (const stop of stops) stop();
  });
  return {
    get isStopped() {
      return isStopped;
    },
    add(stop) {
      stops.add(stop);
      if (isStopped) stop();
      return () => stops.delete(stop);
    },
    close,
  };
}

interface TrainerParts {
  readonly pool: Pool;
  readonly crew: Pick<Crew, 'ran'>;
  readonly stops: Pick<Stops, 'add'>;
}

/** Trains runs, and writes down what comes of them. */
function createTrainer(session: SweepSession, ledger: Ledger, { pool, crew, stops }: TrainerParts) {
  const { folder, sweep, experiment, profile, journal, display, checkpointBytes } = session;
  const { objectives, repeats } = sweep;
  const keeper = createCheckpointKeeper({
    ...{ root: runsFolder(folder), objectives, ledger, repeats, maxBytes: checkpointBytes },
  });
  keeper.recorded(ledger.recorded());
  const write = (): void => {
    const entries = ledger.takeEntries();
    if (entries.length > 0) journal.append(entries);
    const recorded = entries.flatMap((entry) => (entry.type === 'recorded' ? [entry.trial] : []));
    for (const trial of recorded) display.recorded(trial);
    if (recorded.length > 0) keeper.recorded(recorded);
  };
  const training: Training = {
    ...{ folder, sweep, experiment, profile, pool },
    costs: createCostCounter(sweep, experiment),
    onBegun(run, name) {
      ledger.begun(run, name);
      write();
      display.begun(run, name);
    },
    onStop: stops.add,
  };
  return {
    async train(run: SweepRun): Promise<void> {
      keeper.begun(run);
      const end = await trainTrial(run, training);
      if (end.type === 'stopped') return;
      crew.ran();
      if (end.type === 'setAside') {
        display.note(`trial ${run.trial}, seed ${run.seed}, is set aside: ${end.reason}`);
        ledger.setAside(run, end.reason);
      } else {
        if ('values' in end.result && run.rung?.isLast === false) keeper.paused(run, end.result);
        ledger.ended(run, end.result);
      }
      write();
    },
    /** Resolves when all is written and removed. */
    async close(): Promise<void> {
      write();
      await keeper.done();
    },
  };
}

interface Crew {
  /** Rejects when no worker is left. */
  readonly failed: Promise<never>;
  /** A run has ended: workers that are lost later may be started again as often as before. */
  ran(): void;
  /** Starts no worker again after this. */
  dismiss(): void;
  stop(): Promise<void>;
}

/** The local workers of a sweep. One that is lost is started again, while the others train. */
function startCrew({ folder, workers, threads, display }: SweepSession, endpoint: string): Crew {
  let isOver = false;
  let hasRun = false;
  let fail: (error: LockstepError) => void;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // It is raced only while runs are trained.
  failed.catch(() => undefined);
  const restarts = createRestarts((index) => local.start(index));
  const onExit = (exit: WorkerExit): void => {
    if (isOver) return;
    const restart = restarts.plan(exit.index, hasRun);
    hasRun = false;
    if (restart !== undefined) display.note(`${describeExit(exit)}; it is started again`);
    else if (local.numAlive() + restarts.numWaiting() > 0)
      display.note(`${describeExit(exit)}; others go on`);
    else fail(new LockstepError('lost', `no worker is left: ${describeExit(exit)}`));
  };
  const local: LocalWorkers = startLocalWorkers({
    ...{ count: workers, threads, endpoint: localEndpoint(endpoint), keysFolder: undefined },
    ...{ logFolder: logFolder(folder), entry: workerEntry, onExit },
  });
  const dismiss = (): void => {
    isOver = true;
    restarts.cancel();
  };
  return {
    failed,
    ran: () => {
      hasRun = true;
    },
    dismiss,
    stop: () => local.stop(stopGraceMs),
  };
}
