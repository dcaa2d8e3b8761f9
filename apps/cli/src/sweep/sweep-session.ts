/** Trains what a sweep still needs: a pool, its local workers, and as many runs side by side as there are workers. */
import { startPool } from '@lockstep/coordinator';
import { LockstepError } from '@lockstep/errors';
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
import type { OpenJournal } from './sweep-folder.ts';
import { trainTrial } from './train-trial.ts';

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
  readonly display: SweepDisplay;
}

/** How long workers that were told to stop may finish what they compute. */
const stopGraceMs = 5_000;

/** Resolves with the ledger and whether Ctrl-C has stopped the sweep. Throws what is not a result of a trial. */
export async function trainSweep(
  session: SweepSession,
): Promise<{ readonly ledger: Ledger; readonly isStopped: boolean }> {
  const { folder, sweep, profile, journal, display, workers: count, threads } = session;
  const ledger = createLedger(sweep, journal.entries);
  const pool = await startPool({
    ...{ bind: 'tcp://127.0.0.1:0', version, build: buildHash(), profile },
    logger: openCoordinatorLog(logFolder(folder)),
  });
  journal.append([{ type: 'started', time: new Date().toISOString() }]);
  const numRecorded = ledger.recorded().length;
  const { endpoint } = pool;
  display.started({
    folder,
    name: session.name,
    sweep,
    profile,
    workers: count,
    threads,
    endpoint,
    numRecorded,
  });
  const crew = startCrew(session, endpoint);
  const stops = new Set<() => void>();
  let isStopped = false;
  const stopListening = onInterrupt((times) => {
    if (times > 2) process.exit(130);
    isStopped = true;
    for (const stop of stops) stop();
  });
  const write = (): void => {
    const entries = ledger.takeEntries();
    if (entries.length > 0) journal.append(entries);
    for (const entry of entries) if (entry.type === 'recorded') display.recorded(entry.trial);
  };
  const train = async (run: SweepRun): Promise<void> => {
    const result = await trainTrial(run, {
      ...{ folder, sweep, experiment: session.experiment, profile, pool },
      onBegun: (begun, name) => {
        ledger.begun(begun, name);
        write();
        display.begun(begun, name);
      },
      onStop: (stop) => {
        stops.add(stop);
        if (isStopped) stop();
        return () => stops.delete(stop);
      },
    });
    if (result === undefined) return;
    crew.ran();
    ledger.ended(run, result);
    write();
  };
  const running = new Set<Promise<void>>();
  try {
    for (;;) {
      const next = isStopped || running.size >= count ? 'wait' : ledger.next();
      if (typeof next === 'object') {
        const one: Promise<void> = train(next).finally(() => running.delete(one));
        running.add(one);
      } else if (running.size === 0) break;
      else await Promise.race([...running, crew.failed]);
    }
    return { ledger, isStopped };
  } finally {
    crew.dismiss();
    await pool.close(stopGraceMs);
    // What these runs throw comes from the end of the pool; the first error is thrown already.
    await Promise.allSettled(running);
    await crew.stop();
    stopListening();
  }
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
