/** Ends a run that its local workers cannot go on with: one dies before the first step, or the last one later. */
import type { Coordinator, Update } from '@lockstep/coordinator';
import { LockstepError, toWireError } from '@lockstep/errors';
import { exitCodes } from '@lockstep/worker';
import { describeExit, type LocalWorkers, type WorkerExit } from './local-workers.ts';

export interface Watch {
  /** The numeric profile of the run, once it is chosen. */
  profile(): string;
  start(workers: Pick<LocalWorkers, 'numAlive'>): void;
  /** A local worker's process has ended. */
  lost(exit: WorkerExit): void;
  see(update: Update): void;
}

/** Until a generation begins. */
export const unknownProfile = 'unknown';

export function createWatch(coordinator: Pick<Coordinator, 'fail' | 'numWorkers'>): Watch {
  let profile = unknownProfile;
  let begun = false;
  let over = false;
  let workers: Pick<LocalWorkers, 'numAlive'> | undefined;
  let last: WorkerExit | undefined;

  function fail(code: 'lost' | 'refused', message: string): void {
    over = true;
    coordinator.fail(toWireError(new LockstepError(code, message)));
  }

  /** The process and its connection end in either order; outside workers may still be there. */
  function check(): void {
    const isNobodyLeft = workers?.numAlive() === 0 && coordinator.numWorkers() === 0;
    if (!over && last !== undefined && isNobodyLeft) fail('lost', `no worker is left: ${describeExit(last)}`);
  }

  return {
    profile: () => profile,
    start: (started) => {
      workers = started;
    },
    lost: (exit) => {
      last = exit;
      if (over) return;
      if (begun) check();
      else fail(exit.code === exitCodes.refused ? 'refused' : 'lost', describeExit(exit));
    },
    see: (update) => {
      if (update.type === 'done') over = true;
      if (update.type !== 'event') return;
      const { event } = update;
      if (event.type === 'generation') {
        begun = true;
        profile = event.profile;
      }
      if (event.type === 'lost' || event.type === 'refused') check();
    },
  };
}
