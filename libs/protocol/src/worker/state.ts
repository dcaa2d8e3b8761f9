/** State, events and effects of a worker's machine. */

import type { WireError } from '@lockstep/errors';
import type {
  CoordinatorMessage,
  Hello,
  Member,
  NonFiniteFound,
  OpaqueRecord,
  Profile,
  ProgramHashes,
  Source,
  StopReason,
  WorkerMessage,
} from '../messages/messages.ts';

/** What a step does besides its update: a pure function of the step, the same on every worker. */
export interface StepPlan {
  /** Evaluate after the commit of the step. */
  readonly evaluate?: boolean;
  readonly checkpoint?: boolean;
  readonly fingerprint?: boolean;
  /** The run ends after this step. */
  readonly last?: boolean;
}

/** What the machine must know of the traced experiment to order its work. */
export interface ProgramOutline {
  /** The number of segments of the shard program. An exchange follows each. */
  readonly numSegments: number;
  /** Called for every step from 0 on, which is the state before any update. */
  readonly plan: (step: number) => StepPlan;
  /** Whether to evaluate once more at the end of the run. */
  readonly finalEvaluation: boolean;
  readonly dataHash?: string;
  readonly programs?: ProgramHashes;
}

export interface WorkerConfig {
  readonly hello: Hello;
  readonly helloRetryMs: number;
  readonly coordinatorTimeoutMs: number;
}

/** The generation that a worker is a member of. */
export interface Membership {
  readonly generation: number;
  readonly members: readonly Member[];
  readonly rank: number;
  readonly step: number;
  readonly source: Source;
  /** Each new state is checked before it counts. */
  readonly careful: boolean;
}

/** The current activity. A job of the compute threads cannot be cancelled; waiting for peers can. */
export type Activity =
  | { readonly kind: 'idle' }
  | { readonly kind: 'acquire'; readonly generation: number; readonly step: number; readonly source: Source }
  | { readonly kind: 'segment'; readonly step: number; readonly segment: number }
  | { readonly kind: 'exchange'; readonly step: number; readonly exchange: number }
  | {
      readonly kind: 'update';
      readonly generation: number;
      readonly step: number;
      readonly careful: boolean;
    }
  | { readonly kind: 'evaluate'; readonly final: boolean }
  | { readonly kind: 'exchangeEvaluation'; readonly final: boolean }
  | { readonly kind: 'finish' }
  /** Searches for the operation that is not finite. */
  | { readonly kind: 'search'; readonly step: number };

/** Reports that are kept until the coordinator has seen their step, and sent again after a new welcome. */
export type KeptReport = Extract<WorkerMessage, { type: 'committed' | 'evaluated' }>;

export interface WorkerState {
  readonly config: WorkerConfig;
  readonly phase: 'greeting' | 'loading' | 'joined' | 'stopped';
  /** The run of the first welcome. */
  readonly run: string | null;
  readonly incarnation: number;
  readonly heartbeatMs: number;
  readonly program: ProgramOutline | null;
  /** Why loading failed. It is reported again after a new welcome. */
  readonly loadError: WireError | null;
  /** The last committed step; -1 if the worker holds no state. */
  readonly step: number;
  /** The state came from a checkpoint or the seed, and was checked after each update since. */
  readonly tested: boolean;
  /** The last prepared generation accepts only tested states. */
  readonly isCareful: boolean;
  /** The last prepared generation. Messages of lower ones are stale. */
  readonly prepared: number;
  /** A `prepare` must be answered at the next safe point. */
  readonly owesReady: boolean;
  /** Null between generations. */
  readonly membership: Membership | null;
  readonly activity: Activity;
  readonly reports: readonly KeptReport[];
  readonly lastSentMs: number;
  /** How long this process has run, by its ticks. The coordinator's silence is measured on this clock. */
  readonly ranMs: number;
  readonly lastTickMs: number;
  /** On the clock of `ranMs`. */
  readonly lastHeardMs: number;
}

export type WorkerEvent =
  | { readonly type: 'message'; readonly message: CoordinatorMessage }
  | { readonly type: 'tick' }
  /** A piece of a long message arrived, or the coordinator's address accepted a connection: its process lives. */
  | { readonly type: 'heard' }
  /** The connection to the coordinator broke and was restored. Messages in both directions may be lost. */
  | { readonly type: 'reconnected' }
  | { readonly type: 'loaded'; readonly program: ProgramOutline }
  /** The spare copy holds the verified state of `step`, after `initialise`, `fetchSnapshot` or `restore`. */
  | { readonly type: 'stateReady'; readonly generation: number; readonly step: number }
  /** The compute threads have finished a training or evaluation segment. */
  | { readonly type: 'segmentDone' }
  | {
      readonly type: 'exchangeDone';
      readonly generation: number;
      readonly step: number;
      readonly exchange: number;
    }
  /** The new state has replaced that of the step before. On every member, `report` has the step's metrics. */
  | { readonly type: 'updateDone'; readonly fingerprint?: string; readonly report: OpaqueRecord }
  /**
   * Instead of an update, a checkpoint or the end: something is not finite. The state has not changed. The cause `update` means
   * that a careful update was taken back.
   */
  | { readonly type: 'nonFinite'; readonly found: NonFiniteFound }
  | { readonly type: 'searched'; readonly step: number; readonly message: string }
  /** The exchange of an evaluation is done. `stop` is the same on all members. */
  | {
      readonly type: 'evaluationDone';
      readonly generation: number;
      readonly step: number;
      readonly exchange: number;
      readonly stop: boolean;
      readonly report: OpaqueRecord;
    }
  | { readonly type: 'finishDone'; readonly fingerprint: string; readonly result: OpaqueRecord }
  | { readonly type: 'peerLost'; readonly generation: number; readonly peer: string }
  /** The experiment threw. */
  | { readonly type: 'failed'; readonly error: WireError }
  /** This worker was asked to leave. */
  | { readonly type: 'leave' };

export interface Exit {
  readonly type: 'exit';
  /** `coordinatorAbsent`: no coordinator ever answered. */
  readonly reason: StopReason | 'refused' | 'left' | 'coordinatorLost' | 'coordinatorAbsent';
  readonly message?: string;
}

export type WorkerEffect =
  | { readonly type: 'send'; readonly message: WorkerMessage }
  /** Load the bundle that arrived with `welcome`. */
  | { readonly type: 'load'; readonly config: OpaqueRecord }
  /** Connect to these peers. From now on frames of lower generations are stale, and those of higher ones are held. */
  | {
      readonly type: 'connect';
      readonly incarnation: number;
      readonly generation: number;
      readonly profile: Profile;
      readonly rank: number;
      readonly members: readonly Member[];
    }
  /** Make the state of step 0 from the seed. */
  | { readonly type: 'initialise'; readonly generation: number }
  | {
      readonly type: 'fetchSnapshot';
      readonly generation: number;
      readonly step: number;
      readonly from: string;
    }
  /** Take the state from the frames that arrived with `restore`. */
  | {
      readonly type: 'restore';
      readonly generation: number;
      readonly step: number;
      readonly header: OpaqueRecord;
    }
  /** Answer peers that ask for the state of `step`. The state does not change before `runUpdate`, when all peers have it. */
  | { readonly type: 'serveSnapshot'; readonly generation: number; readonly step: number }
  | { readonly type: 'runSegment'; readonly step: number; readonly segment: number }
  | {
      readonly type: 'exchange';
      readonly generation: number;
      readonly step: number;
      readonly exchange: number;
    }
  /**
   * Compute the state of `step` in the place of the state before, which nobody reads any more. `careful`: keep the state
   * before, check the new one, and take the update back if it is not finite.
   */
  | {
      readonly type: 'runUpdate';
      readonly step: number;
      readonly fingerprint: boolean;
      readonly careful?: true;
    }
  /** The state of `step` becomes the current one: after `stateReady`, the spare copy. */
  | { readonly type: 'commit'; readonly step: number }
  /** Evaluate the state of `step`. The evaluation may run again after a change of members, so results are keyed by step. */
  | { readonly type: 'runEvaluation'; readonly step: number; readonly final: boolean }
  | {
      readonly type: 'exchangeEvaluation';
      readonly generation: number;
      readonly step: number;
      readonly exchange: number;
      readonly final: boolean;
    }
  /** Copy the state of `step` at once, and send it to the coordinator as the frames of `checkpoint`. */
  | { readonly type: 'checkpoint'; readonly step: number }
  /** Compute the run's result from the state of `step`. */
  | { readonly type: 'finish'; readonly step: number }
  /** Find the operation that is not finite in `step`, which begins from the current state. Answer `searched`. */
  | { readonly type: 'search'; readonly step: number }
  /** Drop what waits for peers in this generation: an exchange, also one between the segments of a direct step, or a transfer. */
  | { readonly type: 'abort'; readonly generation: number }
  /** No effect follows. */
  | Exit;
