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
  StepRecord,
  StopReason,
  WorkerMessage,
} from '../messages/messages.ts';

/** What a step does besides its update: a pure function of the step, the same on every worker. */
export interface StepPlan {
  /** Evaluate after the commit of the step. */
  readonly evaluate?: boolean;
  /** Save the state. */
  readonly checkpoint?: boolean;
  /** Hash all of the state. */
  readonly stateHash?: boolean;
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
  /** Whether the state at the end becomes a checkpoint. Default true. */
  readonly finalCheckpoint?: boolean;
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
  /** releasing: the job of the run that this worker leaves is ending. */
  readonly phase: 'greeting' | 'loading' | 'joined' | 'releasing' | 'stopped';
  /** The run of the first welcome, or of the first one since the last release. Null: this worker is in no run. */
  readonly run: string | null;
  /** The run shares its workers with others: its end does not end this worker. */
  readonly pooled: boolean;
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
  | {
      readonly type: 'updateDone';
      readonly fingerprint?: string;
      readonly stateHash?: string;
      readonly digest?: string;
      readonly record?: StepRecord;
      readonly report: OpaqueRecord;
    }
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
  /** Nothing of the run that this worker leaves goes on any more. */
  | { readonly type: 'released' }
  /** This worker was asked to leave. */
  | { readonly type: 'leave' };

export interface Exit {
  readonly type: 'exit';
  /** `coordinatorAbsent`: no coordinator ever answered. */
  readonly reason: StopReason | 'refused' | 'left' | 'coordinatorLost' | 'coordinatorAbsent';
  readonly message?: string;
}

/**
 * What the machine asks of its shell. The shell begins effects in the order in which they come. An event that an effect raises waits
 * until the effects that came with it have begun. *Jobs* (`initialise`, `runSegment`, `runUpdate`, `runEvaluation`, `search`, and the
 * filling of the spare copy by `fetchSnapshot` and `restore`) run one after the other, and none of them is broken off.
 *
 * What must come before what, and why:
 *
 * - `load` before `connect`, and `connect` before all that happens in its generation. Jobs run behind the configuration that `connect`
 *   begins: it lays out the memory that they work in.
 * - `abort` before the next `connect`, wherever something in the old generation may wait for a peer. From then on the old generation
 *   raises no `exchangeDone`, `evaluationDone` or `stateReady` and leaves the spare copy alone: the next generation uses both. A
 *   job ends all the same and is told. Compute threads that exchange by themselves must be woken, or their job would never end.
 * - Raw frames are read when `load` or `restore` begins: the coordinator's next message replaces them.
 * - `serveSnapshot` answers requests that came before it, too, from copies of the state. `runUpdate` ends the service before it
 *   writes: the update writes over the state that was served. No member lacks the state by then, since all have sent sums made of it.
 * - `runUpdate` comes after `exchangeDone` of the step's last exchange: it reads the results of all of them. Once begun, it is completed
 *   and committed, even if its generation has ended, since the state before it is gone.
 * - The hashes and the report of a step are taken from the new state before `updateDone` is raised: the effects that answer may
 *   change it again. `nonFinite` takes the place of `updateDone` when the state is still, or again, that of the step before.
 * - `commit` comes before the report `committed`, and the report before the effects of the next step: whoever hears of a step can be
 *   given its state. Nothing here is durable. The machine keeps reports until the coordinator has them, and sends them again.
 * - `evaluationDone` is raised when the progress of early stopping is a part of the state: the `checkpoint` that may follow holds it.
 * - `checkpoint` copies the state before it returns: a job that comes next may write over it.
 * - `finish` comes after the final evaluation, whose metrics are a part of the result.
 * - `release` ends a run as `exit` does. From `released` on nothing of that run is raised: `load` may come next, of another run.
 * - `exit` comes last. The job that runs ends before its threads do, and nothing is raised any more.
 */
export type WorkerEffect =
  | { readonly type: 'send'; readonly message: WorkerMessage }
  /** Load the bundle that came with `welcome`; answer `loaded`. */
  | { readonly type: 'load'; readonly config: OpaqueRecord }
  /** Enter a generation and meet its members. Frames of generations below are stale from now on, those of higher ones are held. */
  | {
      readonly type: 'connect';
      readonly incarnation: number;
      readonly generation: number;
      readonly profile: Profile;
      readonly rank: number;
      readonly members: readonly Member[];
    }
  /** Make the state of step 0 from the seed, in the spare copy; answer `stateReady`. */
  | { readonly type: 'initialise'; readonly generation: number }
  /** Fetch the state of `step` from a member into the spare copy; answer `stateReady`, or `peerLost`. */
  | {
      readonly type: 'fetchSnapshot';
      readonly generation: number;
      readonly step: number;
      readonly from: string;
    }
  /** Take the state of `step` from the frames that came with `restore` into the spare copy; answer `stateReady`. */
  | {
      readonly type: 'restore';
      readonly generation: number;
      readonly step: number;
      readonly header: OpaqueRecord;
    }
  /** Answer members that ask for the state of `step`, which is the current one, until `runUpdate`. */
  | { readonly type: 'serveSnapshot'; readonly generation: number; readonly step: number }
  /** Compute a segment on this worker's shards; answer `segmentDone`. */
  | { readonly type: 'runSegment'; readonly step: number; readonly segment: number }
  /** Reduce the buckets that the segment of the same number leaves; answer `exchangeDone`. */
  | {
      readonly type: 'exchange';
      readonly generation: number;
      readonly step: number;
      readonly exchange: number;
    }
  /**
   * Write the state of `step` over the one that it is made of, which nobody reads any more; answer `updateDone`, or `nonFinite`.
   * `careful`: keep the state before it, look at the new one, and take the update back if it made something that is not finite.
   */
  | {
      readonly type: 'runUpdate';
      readonly step: number;
      readonly fingerprint: boolean;
      readonly stateHash: boolean;
      readonly careful?: true;
    }
  /** Make the state of `step` the current one: after `stateReady` the spare copy, after `updateDone` it is in its place already. */
  | { readonly type: 'commit'; readonly step: number }
  /** Evaluate the current state on this worker's shards; answer `segmentDone`. A step's evaluation may run again in a later generation. */
  | { readonly type: 'runEvaluation'; readonly step: number; readonly final: boolean }
  /** Reduce the sums of the evaluation; answer `evaluationDone`. */
  | {
      readonly type: 'exchangeEvaluation';
      readonly generation: number;
      readonly step: number;
      readonly exchange: number;
      readonly final: boolean;
    }
  /** Send the state of `step`, which is the current one, to the coordinator as `checkpoint`; raise `nonFinite` instead if it is not finite. */
  | { readonly type: 'checkpoint'; readonly step: number }
  /** Make the run's result from the state of `step`; answer `finishDone`, or `nonFinite`. */
  | { readonly type: 'finish'; readonly step: number }
  /** Find the operation that is not finite in `step`, which begins from the current state. Answer `searched`. */
  | { readonly type: 'search'; readonly step: number }
  /** Drop what waits for others in this generation: an exchange, also one within a job, or a transfer of state to this worker. */
  | { readonly type: 'abort'; readonly generation: number }
  /** Leave the generation, if there is one, and end the run when its job ends; answer `released`. */
  | { readonly type: 'release' }
  /** End the worker. */
  | Exit;
