/** State, events and effects of a pool's dispatcher. Plain readonly data. */

import type { CoordinatorEvent, LossReason } from '../coordinator/state.ts';
import type {
  CoordinatorMessage,
  Hello,
  Profile,
  RefusalCode,
  StopReason,
  WorkerMessage,
} from '../messages/messages.ts';

export interface DispatcherConfig {
  /** Workers of another version or build are refused. */
  readonly version: string;
  readonly build: string;
  /** Workers that do not offer it are refused. `auto`: each run sees to its own profile. */
  readonly profile: Profile | 'auto';
  readonly heartbeatMs: number;
  readonly livenessMs: number;
  /** A worker that no run waits for stays free for so long, since the next run may be added in a moment. Then it joins a run that others work for. */
  readonly lingerMs: number;
}

/** What a run asks of the pool. */
export interface RunNeeds {
  /** Among runs that wait for workers, the lowest is served first. */
  readonly order: number;
  /** Of free workers, the run is given so many before they join runs that have as many as they ask for. It begins with one. */
  readonly minWorkers: number;
  /** More than its shards are of no use. */
  readonly maxWorkers: number;
  readonly numShards: number;
}

export interface PooledRun extends RunNeeds {
  /** The work that is left, on a scale that all runs of the pool share. */
  readonly remaining: number;
  /** Workers that the run has refused. */
  readonly refused: ReadonlySet<string>;
  /** Its machine has decided that it is over; its workers are told, or will be. */
  readonly isEnding: boolean;
}

/**
 * Where a worker is. idle: in no run. serving: a run knows it, or is about to answer its hello. leaving: it was told to leave the
 * run; its next hello that names no run shows that it is free. dismissed: refused or told to stop, and about to go.
 * `number` counts moves of all workers: a worker with a lower one came earlier.
 */
export type Place =
  | { readonly kind: 'idle'; readonly number: number; readonly sinceMs: number }
  | {
      readonly kind: 'serving';
      readonly number: number;
      readonly run: string;
      /** The welcome has been sent. What the run has sent before it was meant for an earlier stay of this worker. */
      readonly isWelcome: boolean;
    }
  | { readonly kind: 'leaving'; readonly number: number; readonly run: string }
  | { readonly kind: 'dismissed'; readonly number: number };

export interface PoolWorker {
  readonly hello: Hello;
  readonly place: Place;
  /** On the clock of the dispatcher's `ranMs`. */
  readonly lastHeardMs: number;
}

export interface DispatcherState {
  readonly config: DispatcherConfig;
  readonly workers: ReadonlyMap<string, PoolWorker>;
  /** Runs that have not ended, by name. */
  readonly runs: ReadonlyMap<string, PooledRun>;
  /** Moves of workers so far. */
  readonly numMoves: number;
  /** Workers that are in no run are told to stop. */
  readonly isClosing: boolean;
  /** How long this process has run, by its ticks. Silence is measured on this clock, because a suspended process receives nothing. */
  readonly ranMs: number;
  readonly lastTickMs: number;
  readonly lastHeartbeatMs: number;
}

export type DispatcherEvent =
  | { readonly type: 'message'; readonly worker: string; readonly message: WorkerMessage }
  /** A piece of a long message from a worker arrived. */
  | { readonly type: 'heard'; readonly worker: string }
  | { readonly type: 'disconnected'; readonly worker: string }
  | { readonly type: 'tick' }
  /** A run's machine is ready for workers. */
  | {
      readonly type: 'runAdded';
      readonly run: string;
      readonly needs: RunNeeds;
      readonly remaining: number;
    }
  | { readonly type: 'progress'; readonly run: string; readonly remaining: number }
  /** A run's machine has decided that the run is over. Its last messages may still have to be sent. */
  | { readonly type: 'runEnding'; readonly run: string }
  /** All effects of the run's machine are carried out. */
  | { readonly type: 'runEnded'; readonly run: string }
  /** A run's machine sends a message to a worker. */
  | {
      readonly type: 'send';
      readonly run: string;
      readonly worker: string;
      readonly message: CoordinatorMessage;
    }
  /** Workers are needed no more. Those that serve a run leave it. */
  | { readonly type: 'close' };

/** What a run's machine is told of its workers. */
export type RunBound = Extract<CoordinatorEvent, { type: 'message' | 'heard' | 'disconnected' }>;

/** Events of the pool for people. */
export type PoolEvent =
  | {
      readonly type: 'joined';
      readonly worker: string;
      readonly host: string;
      readonly pid: number;
      readonly threads: number;
    }
  | { readonly type: 'lost'; readonly worker: string; readonly reason: LossReason }
  | {
      readonly type: 'refused';
      readonly worker: string;
      readonly code: RefusalCode;
      readonly message: string;
    }
  | { readonly type: 'assigned'; readonly worker: string; readonly run: string }
  /** The worker leaves a run that has others, for one that has none. */
  | { readonly type: 'moved'; readonly worker: string; readonly from: string };

export type DispatcherEffect =
  /** A message of the dispatcher's own. */
  | { readonly type: 'send'; readonly worker: string; readonly message: CoordinatorMessage }
  /** Pass on the message of a run that the event brought, with its raw frames. */
  | { readonly type: 'forward'; readonly worker: string; readonly message: CoordinatorMessage }
  /** Raise the event in the run's machine, with the raw frames that came with it. */
  | { readonly type: 'deliver'; readonly run: string; readonly event: RunBound }
  | { readonly type: 'event'; readonly event: PoolEvent };

/** Why the workers of a pool are told to stop when it closes. */
export const closingReason: StopReason = 'finished';
