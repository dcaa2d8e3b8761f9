/** What the simulated processes share: clock, network, disk and the other processes. */

import type { WorkerMessage } from '../messages/messages.ts';
import type { WorkerState } from '../worker/state.ts';
import type { Clock } from './clock.ts';
import type { PeerFrame } from './frames.ts';
import type { Ledger } from './ledger.ts';
import type { RunOptions } from './options.ts';
import type { Random } from './random.ts';

/** A run, with what it leaves on the disk. */
export interface SimRun {
  readonly name: string;
  readonly options: RunOptions;
  readonly ledger: Ledger;
  /** The step after which this part of the run pauses. */
  readonly pauseAt?: number | undefined;
}

/** A worker that has not crashed, as other processes see it. */
export interface LivingWorker {
  readonly id: string;
  readonly state: WorkerState;
  /** The generation it is a member of; see `generationName`. */
  readonly generationName: string | null;
  /** Its link to `peer` failed. */
  linkBroke(peer: string): void;
}

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  runOf(name: string): SimRun;
  /** Carries a message over a FIFO link with random delays. */
  toCoordinator(worker: string, message: WorkerMessage): void;
  toPeer(from: string, to: string, frame: PeerFrame): void;
  /** Whether the data link between two workers is down or leads to a dead one. */
  isBroken(worker: string, peer: string): boolean;
  living(): readonly LivingWorker[];
  isDiskFull(): boolean;
}
