/**
 * Watches over the local workers of a run. One that is lost is started again, whenever that happens, while the others go on; one
 * that fails by itself, for a reason that the others share, ends a run that has not begun.
 */
import { hostname } from 'node:os';
import type { Coordinator, Update } from '@lockstep/coordinator';
import { LockstepError, toWireError } from '@lockstep/errors';
import type { RunEvent } from '@lockstep/protocol';
import { exitCodes } from '@lockstep/worker';
import { plural } from './display/format.ts';
import { describeExit, type LocalWorkers, type WorkerExit } from './local-workers.ts';

type Local = Pick<LocalWorkers, 'has' | 'numAlive' | 'start'>;

export interface Watch {
  /** The numeric profile of the run, once it is chosen. */
  profile(): string;
  start(workers: Local): void;
  /** A local worker's process has ended. */
  lost(exit: WorkerExit): void;
  see(update: Update): void;
  /** Starts nobody any more. */
  stop(): void;
}

/** How often a worker is started again without a step of its own between, and how long it waits before the first time. */
export const MAX_RESTARTS = 3;
export const RESTART_MS = 500;

/**
 * What a worker ends with that would end in the same way again: the experiment threw, a mistake in its options, refused, no
 * coordinator where it was to be.
 */
const ownFailures: readonly (number | null)[] = [
  exitCodes.failed,
  exitCodes.usage,
  exitCodes.refused,
  exitCodes.absent,
];

type Refusal = Extract<RunEvent, { type: 'refused' }>;
type Watched = Pick<Coordinator, 'expect' | 'fail' | 'notify' | 'numWorkers'>;

/** Until a generation begins. */
export const unknownProfile = 'unknown';

export function createWatch(coordinator: Watched): Watch {
  let profile = unknownProfile;
  let begun = false;
  let over = false;
  let workers: Local | undefined;
  let last: WorkerExit | undefined;
  /** By number of worker: restarts since it last did a step. */
  const restarts = new Map<number, number>();
  const waiting = new Map<number, NodeJS.Timeout>();
  /** Processes of this machine by the workers' names, and members of the generation that runs. */
  const pids = new Map<string, number>();
  let members: readonly string[] = [];
  /** Processes that have done a step. */
  const proven = new Set<number>();
  /** By process: why the coordinator turned it away, which says more than its exit. */
  const refusals = new Map<number, Refusal>();

  function fail(code: 'lost' | 'refused', message: string): void {
    stop();
    coordinator.fail(toWireError(new LockstepError(code, message)));
  }

  const refusalOf = ({ pid }: WorkerExit) => (pid === undefined ? undefined : refusals.get(pid));
  const codeOf = ({ code }: WorkerExit) => (code === exitCodes.refused ? 'refused' : 'lost');
  const reasonOf = (exit: WorkerExit): string => refusalOf(exit)?.message ?? describeExit(exit);

  function stop(): void {
    over = true;
    for (const timer of waiting.values()) clearTimeout(timer);
    waiting.clear();
  }

  /** The process and its connection end in either order; outside workers may still be there. */
  function check(): void {
    const numLeft = (workers?.numAlive() ?? 0) + waiting.size + coordinator.numWorkers();
    if (!over && last !== undefined && numLeft === 0)
      fail(codeOf(last), `no worker is left: ${reasonOf(last)}`);
  }

  function restart(exit: WorkerExit) {
    const { index, pid } = exit;
    // A process that has done a step was well: what ended it is counted anew.
    const before = pid !== undefined && proven.delete(pid) ? 0 : (restarts.get(index) ?? 0);
    if (before >= MAX_RESTARTS)
      return giveUp(exit, `it was started again ${MAX_RESTARTS} times without a step`);
    restarts.set(index, before + 1);
    const delayMs = RESTART_MS << before;
    const times = `${before + 1} of ${MAX_RESTARTS} times without a step`;
    coordinator.notify({
      type: 'workerRestarting',
      message: `${describeExit(exit)}; it is started again in ${delayMs / 1000} s (${times})`,
      facts: { index, code: exit.code, signal: exit.signal, attempt: before + 1, delayMs },
    });
    const begin = (): void => {
      waiting.delete(index);
      workers?.start(index);
    };
    waiting.set(index, setTimeout(begin, delayMs));
  }

  function giveUp(exit: WorkerExit, why: string): void {
    const numLeft = (workers?.numAlive() ?? 0) + waiting.size;
    if (numLeft + coordinator.numWorkers() > 0) {
      coordinator.notify({
        type: 'workerGivenUp',
        message: `${describeExit(exit)}; ${why}, so it is not started again: ${plural(numLeft, 'worker')} of this command ${numLeft === 1 ? 'is' : 'are'} left`,
        facts: { index: exit.index, code: exit.code, signal: exit.signal, left: numLeft },
      });
    }
    coordinator.expect(numLeft);
    check();
  }

  /**
   * Where two workers of one command differ before the first step, the experiment does not come out the same twice: none of them
   * is right. Later the others are those that the run began with.
   */
  function turnedAway(refusal: Refusal): void {
    const pid = pids.get(refusal.worker);
    if (pid === undefined) return;
    refusals.set(pid, refusal);
    const isImpure = refusal.code === 'data' || refusal.code === 'programs';
    if (isImpure && !begun && !over && workers?.has(pid) === true) fail('refused', refusal.message);
  }

  return {
    profile: () => profile,
    start: (started) => {
      workers = started;
    },
    lost: (exit) => {
      last = exit;
      if (over) return;
      // One that could not load ends nothing while there are others.
      const goesOn = begun || refusalOf(exit)?.code === 'failed';
      if (!ownFailures.includes(exit.code)) restart(exit);
      else if (goesOn) giveUp(exit, 'it would end so again');
      else fail(codeOf(exit), reasonOf(exit));
    },
    see: (update) => {
      if (update.type === 'done') stop();
      if (update.type === 'progress') {
        for (const member of members) {
          const pid = pids.get(member);
          if (pid !== undefined) proven.add(pid);
        }
        members = [];
      }
      if (update.type !== 'event') return;
      const { event } = update;
      if (event.type === 'joined' && event.host === hostname()) pids.set(event.worker, event.pid);
      if (event.type === 'generation') {
        begun = true;
        ({ profile, workers: members } = event);
      }
      // The state is being saved, and the run ends.
      if (event.type === 'failing') stop();
      if (event.type === 'refused') turnedAway(event);
      if (event.type === 'lost' || event.type === 'refused') check();
    },
    stop,
  };
}
