/** Ends a run that its local workers cannot go on with: one dies before the first step, or the last one later. */
import type { Coordinator, Update } from '@lockstep/coordinator';
import { LockstepError, toWireError } from '@lockstep/errors';
import type { RunEvent } from '@lockstep/protocol';
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

export function createWatch(coordinator: Pick<Coordinator, 'fail' | 'numWorkers'>): Watch {
  let profile = 'unknown';
  let begun = false;
  let over = false;
  let workers: Pick<LocalWorkers, 'numAlive'> | undefined;
  let last: WorkerExit | undefined;
  /** Why the coordinator turned one away: it says more than the exit of its process. */
  let refusal: Extract<RunEvent, { type: 'refused' }> | undefined;

  function fail(code: 'lost' | 'refused', message: string): void {
    over = true;
    coordinator.fail(toWireError(new LockstepError(code, message)));
  }

  const codeOf = ({ code }: WorkerExit) => (code === exitCodes.refused ? 'refused' : 'lost');
  const reasonOf = (exit: WorkerExit): string =>
    exit.code === exitCodes.refused && refusal !== undefined ? refusal.message : describeExit(exit);

  /** The process and its connection end in either order; outside workers may still be there. */
  function check(): void {
    const isNobodyLeft = workers?.numAlive() === 0 && coordinator.numWorkers() === 0;
    if (over || last === undefined || !isNobodyLeft) return;
    fail(codeOf(last), `no worker is left: ${reasonOf(last)}`);
  }

  return {
    profile: () => profile,
    start: (started) => {
      workers = started;
    },
    lost: (exit) => {
      last = exit;
      if (over) return;
      const isRefused = exit.code === exitCodes.refused;
      // One that could not load ends nothing while there are others. But where two workers of one command differ, in their data
      // or programs, the experiment does not come out the same twice.
      if (begun || (isRefused && refusal?.code === 'failed')) check();
      else fail(codeOf(exit), reasonOf(exit));
    },
    see: (update) => {
      if (update.type === 'done') over = true;
      if (update.type !== 'event') return;
      const { event } = update;
      if (event.type === 'generation') {
        begun = true;
        profile = event.profile;
      }
      if (event.type === 'refused') refusal = event;
      if (event.type === 'lost' || event.type === 'refused') check();
    },
  };
}
