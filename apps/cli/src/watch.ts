/**
 * Watches over the local workers of a run. A worker that is lost is started again at any time, while the others go on. A worker
 * that fails for a reason that the others share ends a run that has not begun.
 */
import type { Coordinator, Notice, Update } from '@lockstep/coordinator';
import { LockstepError, toWireError } from '@lockstep/errors';
import { exitCodes } from '@lockstep/worker';
import { plural } from './display/format.ts';
import { createLocalProcesses, type Refusal } from './local-processes.ts';
import { describeExit, type LocalWorkers, type WorkerExit } from './local-workers.ts';
import { createRestarts, MAX_RESTARTS, type Restart } from './restarts.ts';

type Local = Pick<LocalWorkers, 'has' | 'numAlive' | 'start'>;

export interface Watch {
  /** The numeric profile of the run, `unknown` until the first generation begins. */
  profile(): string;
  start(workers: Local): void;
  /** The process of a local worker has ended. */
  lost(exit: WorkerExit): void;
  see(update: Update): void;
  /** Starts no worker after this. */
  stop(): void;
}

/**
 * Exit codes with which a worker would end again: the experiment threw, its options are wrong, it was refused, or it found no
 * coordinator at the address.
 */
const lastingFailures: readonly (number | null)[] = [
  exitCodes.failed,
  exitCodes.usage,
  exitCodes.refused,
  exitCodes.absent,
];

type Watched = Pick<Coordinator, 'expect' | 'fail' | 'notify' | 'numWorkers'>;

export const unknownProfile = 'unknown';

/** Its functions may be passed on as callbacks. */
export const createWatch = (coordinator: Watched): Watch => new LocalWatch(coordinator);

class LocalWatch implements Watch {
  readonly #coordinator: Watched;
  readonly #processes = createLocalProcesses();
  readonly #restarts = createRestarts((index) => this.#workers?.start(index));
  #profile = unknownProfile;
  #hasBegun = false;
  #isOver = false;
  #workers: Local | undefined;
  #last: WorkerExit | undefined;

  constructor(coordinator: Watched) {
    this.#coordinator = coordinator;
  }

  readonly profile = (): string => this.#profile;

  readonly start = (workers: Local): void => {
    this.#workers = workers;
  };

  readonly stop = (): void => {
    this.#isOver = true;
    this.#restarts.cancel();
  };

  readonly lost = (exit: WorkerExit): void => {
    this.#last = exit;
    if (this.#isOver) return;
    // A worker that could not load the experiment ends nothing while there are others.
    const goesOn = this.#hasBegun || this.#processes.refusalOf(exit.pid)?.code === 'failed';
    if (!lastingFailures.includes(exit.code)) this.#restart(exit);
    else if (goesOn) this.#giveUp(exit, 'it would end in the same way again');
    else this.#fail(codeOf(exit), this.#reasonOf(exit));
  };

  readonly see = (update: Update): void => {
    this.#processes.see(update);
    if (update.type === 'done') this.stop();
    if (update.type !== 'event') return;
    const { event } = update;
    if (event.type === 'generation') {
      this.#hasBegun = true;
      this.#profile = event.profile;
    }
    // The state is being saved, and the run ends.
    if (event.type === 'failing') this.stop();
    if (event.type === 'refused') this.#refused(event);
    if (event.type === 'lost' || event.type === 'refused') this.#failWithoutWorkers();
  };

  #fail(code: 'lost' | 'refused', message: string): void {
    this.stop();
    this.#coordinator.fail(toWireError(new LockstepError(code, message)));
  }

  #reasonOf(exit: WorkerExit): string {
    return this.#processes.refusalOf(exit.pid)?.message ?? describeExit(exit);
  }

  /** Workers of this command that live or will be started again. */
  #numLocal(): number {
    return (this.#workers?.numAlive() ?? 0) + this.#restarts.numWaiting();
  }

  /** Fails the run once no worker is left, here or elsewhere. A process and its connection end in either order. */
  #failWithoutWorkers(): void {
    const numLeft = this.#numLocal() + this.#coordinator.numWorkers();
    if (this.#isOver || this.#last === undefined || numLeft > 0) return;
    this.#fail(codeOf(this.#last), `no worker is left: ${this.#reasonOf(this.#last)}`);
  }

  #restart(exit: WorkerExit): void {
    const restart = this.#restarts.plan(exit.index, this.#processes.forgetSteps(exit.pid));
    if (restart === undefined)
      this.#giveUp(exit, `it was started again ${MAX_RESTARTS} times without a step`);
    else this.#coordinator.notify(restartNotice(exit, restart));
  }

  #giveUp(exit: WorkerExit, why: string): void {
    const numLeft = this.#numLocal();
    if (numLeft + this.#coordinator.numWorkers() > 0)
      this.#coordinator.notify(givenUpNotice(exit, why, numLeft));
    this.#coordinator.expect(numLeft);
    this.#failWithoutWorkers();
  }

  /**
   * Where two workers of one command differ before the first step, loading the experiment twice gives two results, and none is right.
   * Later the other workers are those with which the run began.
   */
  #refused({ worker, code, message }: Refusal): void {
    const pid = this.#processes.pidOf(worker);
    const isImpure = code === 'data' || code === 'programs';
    const isOurs = pid !== undefined && this.#workers?.has(pid) === true;
    if (isImpure && isOurs && !this.#hasBegun && !this.#isOver) this.#fail('refused', message);
  }
}

const codeOf = ({ code }: WorkerExit) => (code === exitCodes.refused ? 'refused' : 'lost');

function restartNotice(exit: WorkerExit, { attempt, delayMs }: Restart): Notice {
  const { index, code, signal } = exit;
  const times = `${attempt} of ${MAX_RESTARTS} times without a step`;
  return {
    type: 'workerRestarting',
    message: `${describeExit(exit)}; it is started again in ${delayMs / 1000} s (${times})`,
    facts: { index, code, signal, attempt, delayMs },
  };
}

function givenUpNotice(exit: WorkerExit, why: string, numLeft: number): Notice {
  const { index, code, signal } = exit;
  const left = `${plural(numLeft, 'worker')} of this command ${numLeft === 1 ? 'is' : 'are'} left`;
  return {
    type: 'workerGivenUp',
    message: `${describeExit(exit)}; ${why}, so it is not started again: ${left}`,
    facts: { index, code, signal, left: numLeft },
  };
}
