/** What the coordinator's machine knows, hears and asks for. Plain readonly data; no functions of its own. */

import type { WireError } from '@lockstep/errors';
import type {
  CoordinatorMessage,
  Hello,
  Member,
  NonFiniteFound,
  OpaqueRecord,
  Profile,
  ProgramHashes,
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
  /** Workers of another build are refused. */
  readonly build: string;
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
  /**
   * Workers of the incarnation before, which may hold a newer state than any checkpoint: the first generation waits for them, for
   * `awaitMs` at most.
   */
  readonly awaited?: readonly string[];
  readonly awaitMs?: number;
  /** What an earlier incarnation, or a checkpoint to resume from, leaves behind. */
  readonly initial?: Recovered;
}

export interface Recovered {
  readonly generation: number;
  readonly profile: Profile | null;
  readonly dataHash: string | null;
  readonly programs: KnownPrograms | null;
  /** Step of the newest checkpoint, -1 when there is none. */
  readonly checkpointStep: number;
  /** The last step in the run's metrics. */
  readonly progressStep: number;
  /** The last step whose evaluation is in the run's metrics; -1 when there is none. */
  readonly evaluatedStep: number;
  /** Whether the final evaluation is in the run's metrics. */
  readonly finalEvaluated: boolean;
}

/** What the experiment came out as on the first worker that loaded it, and with which build. */
export interface KnownPrograms {
  /** The length of the run was changed: the next worker's update program becomes the run's. */
  readonly isUpdateOpen?: true;
  readonly build: string;
  readonly hashes: ProgramHashes;
}

/** An error ends the run once the newest state is saved. Both limits are in the time of `ranMs`. */
export interface Failing {
  readonly error: WireError;
  /** From then on nobody is waited for to stop. */
  readonly parkUntilMs: number;
  readonly saveUntilMs: number;
}

/**
 * gathering: waiting for enough loaded workers. preparing: generation `generation` is announced, its candidates
 * stop one by one. running: it has begun. saving: stopped, one holder sends a checkpoint.
 * searching: it looks for the operation that is not finite. done: all were told to stop.
 */
export type CoordinatorPhase = 'gathering' | 'preparing' | 'running' | 'saving' | 'searching' | 'done';

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
  /** In the time of the coordinator's `ranMs`. */
  readonly lastHeardMs: number;
  /** It has committed a step: what fails on it now would fail on others. */
  readonly isProven: boolean;
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
  /** What ends the run: the next agreement ends in a checkpoint of the state before its step. */
  readonly nonFinite: NonFiniteFound | null;
  /** A state was not finite: workers look at each update, and no state is trusted that was not looked at. */
  readonly careful: boolean;
  /** Steps told not to be finite, so that one that is found again is not told again. */
  readonly toldNonFinite: number;
  /** How often a worker was asked to search. */
  readonly numSearches: number;
  /** The highest announced; at most one is being agreed or running at a time. */
  readonly generation: number;
  /** Loaded workers needed to leave `gathering`. */
  readonly needed: number;
  readonly profile: Profile | null;
  readonly dataHash: string | null;
  readonly programs: KnownPrograms | null;
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
  /** Whom `save` or `search` was sent to. */
  readonly saver: string | null;
  /** Step of the newest checkpoint that came and is not durable yet; -1 when there is none. */
  readonly storing: number;
  /** Workers of the incarnation before that have not loaded yet. */
  readonly awaited: ReadonlySet<string>;
  /** In the time of `ranMs`. */
  readonly awaitUntilMs: number;
  readonly failing: Failing | null;
  readonly stopReason: StopReason | null;
  /** How long this process has run, by its ticks. Silence is measured in it: who is held up hears nobody. */
  readonly ranMs: number;
  readonly lastTickMs: number;
  readonly lastHeartbeatMs: number;
}

export type CoordinatorEvent =
  | { readonly type: 'message'; readonly worker: string; readonly message: WorkerMessage }
  /** A piece of a long message of a worker came. */
  | { readonly type: 'heard'; readonly worker: string }
  | { readonly type: 'disconnected'; readonly worker: string }
  | { readonly type: 'tick' }
  /** The first asks for a checkpoint and a clean stop, the second for a stop at once. */
  | { readonly type: 'interrupt' }
  /** Measured speeds: stragglers lose shards to faster workers, at no risk to the result. */
  | { readonly type: 'reweigh'; readonly weights: Readonly<Record<string, number>> }
  /** The checkpoint of `step` is durable. */
  | { readonly type: 'checkpointSaved'; readonly step: number }
  /** The checkpoint of `step` could not be written. Without an error its bytes were none. */
  | { readonly type: 'checkpointFailed'; readonly step: number; readonly error?: WireError }
  /** The checkpoint of `step`, from which a generation began, cannot be read any more; `newest` can, or is -1. */
  | { readonly type: 'checkpointLost'; readonly step: number; readonly newest: number }
  /** No more than this many workers will come by themselves before the first step. */
  | { readonly type: 'expect'; readonly workers: number }
  /** An awaited worker will not come back. */
  | { readonly type: 'absent'; readonly worker: string }
  /** The shell cannot go on: decisions cannot be made durable, or whoever started the run gives it up. */
  | { readonly type: 'failed'; readonly error: WireError };

/** Decisions, in order, made durable before they are announced. */
export type JournalEntry =
  | { readonly type: 'profile'; readonly profile: Profile }
  | { readonly type: 'data'; readonly hash: string }
  | { readonly type: 'programs'; readonly build: string; readonly hashes: ProgramHashes }
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
  | {
      readonly type: 'joined';
      readonly worker: string;
      readonly host: string;
      /** Of its process on that host. */
      readonly pid: number;
      readonly threads: number;
    }
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
  | { readonly type: 'interrupting' }
  /** An error ends the run; the newest state is saved first. */
  | { readonly type: 'failing'; readonly message: string }
  /** The run goes on with another build than it had: `began`. `programs`: those that came out differently. */
  | {
      readonly type: 'buildDiffers';
      readonly build: string;
      readonly began: string;
      readonly programs: readonly string[];
    }
  /** Loss, gradients or the update of a step: what ends the run. */
  | ({ readonly type: 'nonFinite' } & NonFiniteFound)
  /** The state after a step: the run goes back to find the update that made it so. */
  | {
      readonly type: 'nonFiniteState';
      readonly step: number;
      readonly what: readonly string[];
      /** Where it goes back to. */
      readonly from: number;
    };

export type Outcome =
  | {
      readonly reason: 'finished';
      readonly step: number;
      readonly fingerprint: string;
      readonly result: OpaqueRecord;
    }
  | { readonly reason: 'interrupted'; readonly step: number }
  /** The state before `step` is the newest checkpoint, unless the run begins with one that is not finite. */
  | {
      readonly reason: 'nonFinite';
      readonly step: number;
      readonly found: NonFiniteFound;
      readonly message: string;
    }
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
