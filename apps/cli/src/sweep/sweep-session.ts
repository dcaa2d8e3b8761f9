/** Trains what a sweep still needs: a pool, its local workers, and as many runs side by side as there are workers. */
import type { Pool } from '@lockstep/coordinator';
import { invariant } from '@lockstep/errors';
import type { Profile } from '@lockstep/protocol';
import { createLedger, type Ledger, type Sweep, type SweepRun } from '@lockstep/sweep';
import { buildHash } from '@lockstep/worker';
import { openCoordinatorLog } from '../coordinator-log.ts';
import { joinEndpoint } from '../join-address.ts';
import { version } from '../project.ts';
import { logFolder } from '../run-folder.ts';
import { followCancelled } from './cancelled.ts';
import { createChanges, createStops, type Stops } from './stops.ts';
import { type Crew, startCrew, stopGraceMs } from './sweep-crew.ts';
import type { TrainingDisplay } from './sweep-display.ts';
import type { SweepExperiment } from './sweep-file.ts';
import { type OpenJournal, runsFolder } from './sweep-folder.ts';
import { type SweepPlace, servePool } from './sweep-place.ts';
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
  /** Workers that this process starts. */
  readonly workers: number;
  /** Compute threads of each of them. */
  readonly threads: number;
  /** What checkpoints of runs that wait at a rung may take. Default: any space. */
  readonly checkpointBytes: number | undefined;
  /** Where workers join. */
  readonly place: SweepPlace;
  /** The folder of `lockstep keys`. */
  readonly keysFolder: string | undefined;
  readonly display: TrainingDisplay;
}

/** What a sweep has come to. */
export interface SweepProgress {
  readonly ledger: Ledger;
  /** Ctrl-C has stopped the sweep. */
  readonly isStopped: boolean;
}

/** Trains until nothing is left that can be trained, or Ctrl-C. Throws what is not a result of a trial. */
export async function trainSweep(session: SweepSession): Promise<SweepProgress> {
  const { folder, sweep, profile, journal, place, keysFolder, display } = session;
  const { note } = display;
  const ledger = createLedger(sweep, journal.entries);
  const logger = openCoordinatorLog(logFolder(folder));
  const { pool, entry } = await servePool(
    place,
    keysFolder,
    { version, build: buildHash(), profile, logger },
    note,
  );
  journal.append([entry]);
  showStart(session, ledger, pool.endpoint);
  const changes = createChanges();
  const crew = startCrew({ ...session, note, onChange: changes.changed }, pool);
  const stops = createStops(changes.changed);
  const { train, cancel, close } = createTrainer(session, ledger, { pool, crew, stops });
  const running = new Set<Promise<void>>();
  let stopFollowing = (): void => undefined;
  try {
    const onCancel = (trial: number): void => {
      cancel(trial);
      changes.changed();
    };
    stopFollowing = followCancelled(folder, onCancel, changes.fail);
    let next: ReturnType<Ledger['next']> = 'wait';
    for (;;) {
      const isOpen = typeof next === 'object' && !stops.isCancelled(next.trial);
      if (!isOpen) next = stops.isStopped ? 'done' : ledger.next();
      const canTrain = !stops.isStopped && running.size < crew.numPlaces();
      if (typeof next === 'object' && canTrain) {
        const one: Promise<void> = train(next).finally(() => running.delete(one));
        running.add(one);
        next = 'wait';
      } else if (running.size === 0 && (typeof next !== 'object' || stops.isStopped)) {
        const isOver = next === 'done' || stops.isStopped || ledger.aside.length > 0;
        invariant(isOver, 'the sweep waits for runs that nobody trains');
        break;
      } else await Promise.race([...running, crew.failed, changes.next()]);
    }
    await close();
    return { ledger, isStopped: stops.isStopped };
  } finally {
    stopFollowing();
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
  const recorded = ledger.recorded();
  const join = joinEndpoint(endpoint);
  display.started({ folder, name, sweep, profile, workers, threads, endpoint, join, recorded });
  for (const { metric } of sweep.objectives.filter((one) => one.metric.startsWith('test/'))) {
    display.note(
      `the objective is ${metric}: what the sweep chooses fits the test split, and its value there says little of other data`,
    );
  }
}

interface TrainerParts {
  readonly pool: Pool;
  readonly crew: Pick<Crew, 'ran'>;
  readonly stops: Pick<Stops, 'add' | 'cancel' | 'isCancelled'>;
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
    onStep: (run, step, totalSteps) => display.step?.(run, step, totalSteps),
  };
  return {
    async train(run: SweepRun): Promise<void> {
      keeper.begun(run);
      const end = await trainTrial(run, training).finally(() => display.ranUntil?.(run));
      if (end.type === 'stopped' || stops.isCancelled(run.trial)) return;
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
    /** Ends a trial by the wish of a person, unless it is recorded. */
    cancel(trial: number): void {
      ledger.cancel(trial);
      stops.cancel(trial);
      write();
    },
    /** Resolves when all is written and removed. */
    async close(): Promise<void> {
      write();
      await keeper.done();
    },
  };
}
