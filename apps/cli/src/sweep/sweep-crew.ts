/** The workers of a sweep: those that its process starts, and those that join from outside. */
import { hostname } from 'node:os';
import type { Pool, PoolUpdate } from '@lockstep/coordinator';
import { LockstepError } from '@lockstep/errors';
import { workerEntry } from '@lockstep/worker';
import { sentence } from '../display/sentences.ts';
import { localEndpoint } from '../join-address.ts';
import { describeExit, type LocalWorkers, startLocalWorkers, type WorkerExit } from '../local-workers.ts';
import { createRestarts } from '../restarts.ts';
import { logFolder } from '../run-folder.ts';

/** How long workers that were told to stop may finish what they compute. */
export const stopGraceMs = 5_000;

export interface CrewOptions {
  /** The folder of the sweep. */
  readonly folder: string;
  /** Workers that this process starts. */
  readonly workers: number;
  /** Compute threads of each of them. */
  readonly threads: number;
  readonly keysFolder: string | undefined;
  readonly note: (message: string) => void;
  /** Called when `numPlaces` has changed. */
  readonly onChange: () => void;
}

export interface Crew {
  /** Rejects when the workers of this process do not survive and there are no others. */
  readonly failed: Promise<never>;
  /** As many runs can be trained side by side: one for each worker, those that are started included. */
  numPlaces(): number;
  /** A run has ended: workers that are lost later may be started again as often as before. */
  ran(): void;
  /** Starts no worker again, and tells of no worker, after this. */
  dismiss(): void;
  stop(): Promise<void>;
}

/** A worker of this process that is lost is started again, while the others train. */
export function startCrew(options: CrewOptions, pool: Pool): Crew {
  const { folder, workers, threads, keysFolder, note, onChange } = options;
  let isOver = false;
  let hasRun = false;
  let numGivenUp = 0;
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
    if (restart !== undefined) {
      note(`${describeExit(exit)}; it is started again`);
      return;
    }
    numGivenUp++;
    onChange();
    const numOthers = local.numAlive() + restarts.numWaiting() + outside.size;
    if (numOthers > 0) note(`${describeExit(exit)}; others go on`);
    else fail(new LockstepError('lost', `no worker is left: ${describeExit(exit)}`));
  };
  const local: LocalWorkers = startLocalWorkers({
    ...{ count: workers, threads, endpoint: localEndpoint(pool.endpoint), keysFolder },
    ...{ logFolder: logFolder(folder), entry: workerEntry, onExit },
  });
  const outside = new Set<string>();
  const stopListening = pool.onUpdate((update) => {
    if (isOver) return;
    const text = followOutside(update, outside, local);
    if (text !== undefined) note(text);
    onChange();
  });
  return {
    failed,
    numPlaces: () => workers - numGivenUp + outside.size,
    ran: () => {
      hasRun = true;
    },
    dismiss() {
      isOver = true;
      restarts.cancel();
      stopListening();
    },
    stop: () => local.stop(stopGraceMs),
  };
}

/** Returns what people should read: who came from outside or left, and who was refused. */
function followOutside(
  update: PoolUpdate,
  outside: Set<string>,
  local: Pick<LocalWorkers, 'has'>,
): string | undefined {
  if (update.type === 'turnedAway') return sentence(update);
  const { event } = update;
  switch (event.type) {
    case 'joined':
      if (event.host === hostname() && local.has(event.pid)) return undefined;
      outside.add(event.worker);
      return sentence({ type: 'event', event: { ...event, type: 'joined' } });
    case 'lost':
      return outside.delete(event.worker) ? sentence({ type: 'event', event }) : undefined;
    case 'refused':
      outside.delete(event.worker);
      return sentence({ type: 'event', event });
    case 'assigned':
    case 'moved':
      return undefined;
    default:
      return event satisfies never;
  }
}
