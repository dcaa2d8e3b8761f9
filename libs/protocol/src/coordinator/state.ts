/** What the coordinator's machine knows, hears and asks for. Plain readonly data; no functions of its own. */

import type { WireError } from '@lockstep/errors';
import type {
  CoordinatorMessage,
  Hello,
  Member,
  OpaqueRecord,
  Profile,
  RefusalCode,
  Source,
  StopReason,
  WorkerMessage,
} from '../messages/messages.ts';

export interface CoordinatorConfig {
  readonly run: string;
  /** Raised at every start of the coordinator, so that frames of an earlier one are told apart. */
  readonly incarnation: number;
  readonly version: string;
  readonly experiment: { readonly name: string; readonly hash: string };
  /** Passed on to workers unread. */
  readonly config: OpaqueRecord;
  /** Length of the raw frame that follows `welcome`. */
  readonly bundleBytes: number;
  readonly numShards: number;
  readonly minWorkers: number;
  readonly profile: Profile | 'auto';
  readonly heartbeatMs: number;
  readonly livenessMs: number;
  /** What an earlier incarnation, or a checkpoint to resume from, leaves behind. */
  readonly initial?: Recovered;
}

export interface Recovered {
  readonly generation: number;
  readonly profile: Profile | null;
  readonly dataHash: string | null;
  /** Step of the newest checkpoint, -1 when there is none. */
  readonly checkpointStep: number;
  /** The last step in the run's metrics. */
  readonly progressStep: number;
  /** The last step whose evaluation is in the run's metrics; -1 when there is none. */
  readonly evaluatedStep: number;
  /** Whether the final evaluation is in the run's metrics. */
  readonly finalEvaluated: boolean;
}

/**
 * gathering: waiting for enough loaded workers. preparing: generation `generation` is announced, its candidates
 * stop one by one. running: it has begun. saving: stopped, one holder sends a checkpoint. done: all were told to stop.
 */
export type CoordinatorPhase = 'gathering' | 'preparing' | 'running' | 'saving' | 'done';

/**
 * loading: said hello, reads the experiment. idle: loaded, not asked for anything. asked: `prepare` sent.
 * ready: parked with the state of `step`. member: runs.
 */
export type WorkerStatus = 'loading' | 'idle' | 'asked' | 'ready' | 'member';

export interface Finish {
  readonly step: number;
  readonly fingerprint: string;
  readonly result: OpaqueRecord;
}

export interface WorkerRecord {
  readonly hello: Hello;
  readonly status: WorkerStatus;
  /** Last committed step it told; -1 when it holds no state. */
  readonly step: number;
  /** Its share of the shards relative to others: threads, until speeds are known. */
  readonly weight: number;
  readonly lastHeardMs: number;
  readonly finish: Finish | null;
}

export interface Fingerprints {
  readonly step: number;
  /** Of the run's result, not of a step on the way. */
  readonly final: boolean;
  readonly byWorker: Readonly<Record<string, string>>;
}

export interface CoordinatorState {
  readonly config: CoordinatorConfig;
  readonly phase: CoordinatorPhase;
  /** An interrupt came: the next agreement ends in a checkpoint instead of a generation. */
  readonly interrupted: boolean;
  /** The highest announced; at most one is being agreed or running at a time. */
  readonly generation: number;
  /** Loaded workers needed to leave `gathering`. */
  readonly needed: number;
  readonly profile: Profile | null;
  readonly dataHash: string | null;
  /** In the order in which they finished loading, behind which those still loading come; this order gives ranks. */
  readonly workers: ReadonlyMap<string, WorkerRecord>;
  readonly checkpointStep: number;
  readonly progressStep: number;
  readonly evaluatedStep: number;
  readonly finalEvaluated: boolean;
  /** Of the latest fingerprinted steps, newest last. */
  readonly fingerprints: readonly Fingerprints[];
  /** How often peers could not reach a worker since the last commit. */
  readonly blames: Readonly<Record<string, number>>;
  /** Whom `save` was sent to. */
  readonly saver: string | null;
  readonly stopReason: StopReason | null;
  readonly lastTickMs: number;
  readonly lastHeartbeatMs: number;
}

export type CoordinatorEvent =
  | { readonly type: 'message'; readonly worker: string; readonly message: WorkerMessage }
  | { readonly type: 'disconnected'; readonly worker: string }
  | { readonly type: 'tick' }
  /** The first asks for a checkpoint and a clean stop, the second for a stop at once. */
  | { readonly type: 'interrupt' }
  /** Measured speeds: stragglers lose shards to faster workers, at no risk to the result. */
  | { readonly type: 'reweigh'; readonly weights: Readonly<Record<string, number>> }
  /** The checkpoint of `step` is durable. */
  | { readonly type: 'checkpointSaved'; readonly step: number }
  /** The shell cannot go on: a full disk, a damaged checkpoint. */
  | { readonly type: 'failed'; readonly error: WireError };

/** Decisions, in order, made durable before they are announced. */
export type JournalEntry =
  | { readonly type: 'profile'; readonly profile: Profile }
  | { readonly type: 'data'; readonly hash: string }
  | {
      readonly type: 'generation';
      readonly generation: number;
      readonly step: number;
      readonly source: Source;
      readonly members: readonly Member[];
    }
  | { readonly type: 'checkpoint'; readonly step: number }
  /** The length of the run is another one after `step`, and with it the update program. */
  | { readonly type: 'lengthChanged'; readonly step: number }
  | { readonly type: 'done'; readonly reason: StopReason; readonly step: number };

export type LossReason = 'disconnected' | 'silent' | 'left' | 'unreachable' | 'restarted';

/** What people should see of the membership. */
export type RunEvent =
  | { readonly type: 'joined'; readonly worker: string; readonly host: string; readonly threads: number }
  | { readonly type: 'loaded'; readonly worker: string; readonly standby: boolean }
  | {
      readonly type: 'refused';
      readonly worker: string;
      readonly code: RefusalCode;
      readonly message: string;
    }
  | { readonly type: 'lost'; readonly worker: string; readonly reason: LossReason }
  | { readonly type: 'linkLost'; readonly worker: string; readonly peer: string }
  | {
      readonly type: 'generation';
      readonly generation: number;
      readonly step: number;
      readonly source: Source;
      readonly workers: readonly string[];
      readonly profile: Profile;
    }
  /** No worker is left; the run goes on when one comes. */
  | { readonly type: 'waiting' }
  | { readonly type: 'interrupting' };

export type Outcome =
  | {
      readonly reason: 'finished';
      readonly step: number;
      readonly fingerprint: string;
      readonly result: OpaqueRecord;
    }
  | { readonly reason: 'interrupted'; readonly step: number }
  | { readonly reason: 'failed'; readonly step: number; readonly error: WireError };

export type CoordinatorEffect =
  /** The shell adds the bundle to `welcome`. */
  | { readonly type: 'send'; readonly worker: string; readonly message: CoordinatorMessage }
  /** Send `restore` with the frames of the checkpoint of `step`. */
  | {
      readonly type: 'sendCheckpoint';
      readonly worker: string;
      readonly generation: number;
      readonly step: number;
    }
  /** Must be durable before later effects are carried out. */
  | { readonly type: 'journal'; readonly entry: JournalEntry }
  | { readonly type: 'event'; readonly event: RunEvent }
  /** Once a step, in order. */
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly worker: string;
      readonly report: OpaqueRecord;
    }
  /** Once an evaluation, after the progress of its step. */
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly final: boolean;
      readonly report: OpaqueRecord;
    }
  /** Write the checkpoint that came with this message, then raise `checkpointSaved`. One step may come twice. */
  | { readonly type: 'storeCheckpoint'; readonly worker: string; readonly step: number }
  | {
      readonly type: 'diverged';
      readonly step: number;
      readonly fingerprints: Readonly<Record<string, string>>;
    }
  | { readonly type: 'done'; readonly outcome: Outcome };
