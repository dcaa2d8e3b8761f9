/** What the parts of a simulated cluster share. */

import { invariant } from '@lockstep/errors';
import { decodeCoordinatorMessage, decodeWorkerMessage, encodeMessage } from '../messages/codec.ts';
import type { CoordinatorMessage, WorkerMessage } from '../messages/messages.ts';
import type { Clock } from './clock.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import type { SimWorker } from './sim-worker.ts';

/** What happens to a run, at random moments in its first `withinMs`. */
export interface Faults {
  readonly withinMs: number;
  readonly numCrashes: number;
  readonly numJoins: number;
  /** Processes that stand still for 0.5 to 4 s and then go on, unaware that they may be taken for lost. */
  readonly numPauses: number;
  /** All processes stand still together, for up to two minutes, or the coordinator alone for less than one. */
  readonly numFreezes: number;
  /** Workers that come and fail while loading. */
  readonly numBadNewcomers: number;
  /** Data links that fail for up to 1.5 s while both ends live. */
  readonly numBrokenLinks: number;
  /** Shards moved from slow workers to fast ones. */
  readonly numReweighs: number;
  readonly numCoordinatorRestarts: number;
  readonly interrupt: boolean;
  /** For up to 3 s no checkpoint can be written. */
  readonly numFullDisks: number;
  /** Errors that end the run; it is resumed. */
  readonly numErrors: number;
}

/** Training that goes wrong, whoever computes it. */
export interface PlantedNonFinite {
  /** `step`: loss or gradients of the step. `update`: what its update makes. */
  readonly cause: 'step' | 'update';
  readonly step: number;
  /** Of an update: the first later step whose loss shows it; a look at the state shows it at once. */
  readonly shownAt: number;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly numWorkers: number;
  readonly numShards: number;
  readonly numSteps: number;
  readonly numSegments: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly fingerprintEvery: number;
  readonly finalEvaluation: boolean;
  /** An evaluation from this step on ends the run early. */
  readonly stopFrom: number;
  /** Passes every control message through its bytes. */
  readonly encodeMessages: boolean;
  readonly faults: Faults;
  readonly nonFinite?: PlantedNonFinite;
}

/** A frame of the data plane. */
export type PeerFrame =
  | {
      readonly type: 'partial';
      readonly key: string;
      readonly params: number;
      readonly start: number;
      /** One a shard of the sender's range. */
      readonly partials: readonly number[];
    }
  | { readonly type: 'fetch'; readonly group: string; readonly step: number }
  | { readonly type: 'snapshot'; readonly group: string; readonly step: number; readonly params: number };

export interface World {
  readonly options: SimulationOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly ledger: Ledger;
  /** Carries a message over a FIFO link with random delays. */
  toCoordinator(worker: string, message: WorkerMessage): void;
  toWorker(worker: string, message: CoordinatorMessage): void;
  toPeer(from: string, to: string, frame: PeerFrame): void;
  /** Whether the data link between two workers is down or leads to a dead one. */
  isBroken(worker: string, peer: string): boolean;
  living(): readonly SimWorker[];
  isDiskFull(): boolean;
}

/** Delivers in order of sending on every link, at random moments. */
export function createLinks(clock: Clock, random: Random) {
  const lastArrivalMs = new Map<string, number>();
  return (from: string, to: string, deliver: () => void): void => {
    const link = `${from}>${to}`;
    // Mostly fast, now and then slower than a step.
    const delayMs = random.chance(0.05) ? random.between(5, 120) : random.between(0.1, 2);
    const arrivalMs = Math.max(lastArrivalMs.get(link) ?? 0, clock.now() + delayMs);
    lastArrivalMs.set(link, arrivalMs);
    clock.at(arrivalMs, deliver);
  };
}

/** A message as the other side reads it. */
export function carry<Message extends WorkerMessage | CoordinatorMessage>(
  message: Message,
  from: 'worker' | 'coordinator',
  encode: boolean,
): Message {
  if (!encode) return message;
  const bytes = encodeMessage(message);
  const decoded = from === 'worker' ? decodeWorkerMessage(bytes) : decodeCoordinatorMessage(bytes);
  invariant(decoded.ok, `a ${message.type} does not survive its bytes`, { decoded });
  return decoded.message as Message;
}
