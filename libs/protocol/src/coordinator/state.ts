/** State, events and effects of the coordinator's machine. Plain readonly data. */

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

/**
 * A run stops after a step of its schedule, to go on later as if it had not. The state is saved, and a split is evaluated; this evaluation
 * comes with the outcome, and the run's logs and its state know nothing of it.
 */
export interface Pause {
  readonly step: number;
  readonly split: 'validation' | 'test';
}

export interface CoordinatorConfig {
  readonly run: string;
  /** Raised at each start of the coordinator, so that frames from before are recognised. */
  readonly incarnation: number;
  readonly version: string;
  /** Workers of another build are refused. */
  readonly build: string;
  readonly experiment: { readonly name: string; readonly hash: string };
  /** Sent to workers; the coordinator does not read it. */
  readonly config: OpaqueRecord;
  /** Length of the raw frame that follows `welcome`. */
  readonly bundleBytes: number;
  readonly numShards: number;
  readonly minWorkers: number;
  readonly profile: Profile | 'auto';
  readonly heartbeatMs: number;
  readonly livenessMs: number;
  /** The run shares its workers with others. */
  readonly pooled?: true;
  /** The step after which the run pauses. The configuration that workers receive says the same. */
  readonly pauseAt?: number;
  /**
   * Workers of the previous incarnation, which may hold a newer state than any checkpoint. The first generation waits for
   * them, for `awaitMs` at most.
   */
  readonly awaited?: readonly string[];
  readonly awaitMs?: number;
  /** What an earlier incarnation, or the checkpoint that a run resumes from, has left. */
  readonly initial?: Recovered;
  /** False in tests that look at runs whose members differ. Default: members are compared. */
  readonly compares?: boolean;
}

export interface Recovered {
  readonly generation: number;
  readonly profile: Profile | null;
  readonly dataHash: string | null;
  readonly programs: KnownPrograms | null;
  /** Step of the newest checkpoint; -1 if there is none. */
  readonly checkpointStep: number;
  /** The last step in the run's metrics. */
  readonly progressStep: number;
  /** The last step whose evaluation is in the run's metrics; -1 if there is none. */
  readonly evaluatedStep: number;
  /** Whether the final evaluation is in the run's metrics. */
  readonly finalEvaluated: boolean;
}

/** The program hashes of the first worker that loaded the experiment, and its build. */
export interface KnownPrograms {
  /** The length of the run has changed, so the next worker's update program becomes the run's. */
  readonly isUpdateOpen?: true;
  readonly build: string;
  readonly hashes: ProgramHashes;
}

/** The error that ends the run once the newest state is saved. Both limits are on the clock of `ranMs`. */
export interface Failing {
  readonly error: WireError;
  /** The coordinator then no longer waits for members to stop. */
  readonly parkUntilMs: number;
  readonly saveUntilMs: number;
}

/**
 * gathering: the coordinator waits for enough loaded workers. preparing: generation `generation` is announced and its
 * candidates stop one by one. running: the generation has begun. saving: the workers are parked and one sends a checkpoint.
 * searching: one worker searches for the non-finite operation. done: all workers were told to stop.
 */
export type CoordinatorPhase = 'gathering' | 'preparing' | 'running' | 'saving' | 'searching' | 'done';

/**
 * loading: the worker has said hello and reads the experiment. idle: it has loaded it. asked: `prepare` was sent to it.
 * ready: it is parked with the state of `step`. member: it runs.
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
  /** The last step that it reported as committed; -1 if it holds no state. */
  readonly step: number;
  /** Its share of the shards relative to others: its number of threads, until speeds are measured. */
  readonly weight: number;
  /** On the clock of the coordinator's `ranMs`, as is `welcomedMs`. */
  readonly lastHeardMs: number;
  /** When the last welcome was sent to it. */
  readonly welcomedMs: number;
  /** It has committed a step, so an error on it now would happen on others too. */
  readonly isProven: boolean;
  readonly finish: Finish | null;
}

/**
 * What workers have hashed: parameters and model state after a step; the state after it, of which the optimizer's is a part; in a
 * recorded run, the results of a step's exchanges and the state after it; or the run's result.
 */
export type Hashed = 'fingerprint' | 'stateHash' | 'digest' | 'result';

/** The hashes of members, which must agree. */
export interface Hashes {
  readonly step: number;
  readonly of: Hashed;
  readonly byWorker: Readonly<Record<string, string>>;
}

/** A checkpoint that has arrived. */
export interface HeldCheckpoint {
  readonly worker: string;
  readonly step: number;
}

export interface CoordinatorState {
  readonly config: CoordinatorConfig;
  readonly phase: CoordinatorPhase;
  /** The run was interrupted: the next agreement ends with a checkpoint instead of a generation. */
  readonly interrupted: boolean;
  /** The finding that ends the run: the next agreement ends with a checkpoint of the state before its step. */
  readonly nonFinite: NonFiniteFound | null;
  /** A state was not finite: workers check each new state, and nobody uses a state that was not checked. */
  readonly careful: boolean;
  /** The step whose finding was logged, so that it is not logged again when it is found again. */
  readonly toldNonFinite: number;
  /** How many searches were started. */
  readonly numSearches: number;
  /** The highest announced generation. At most one is being agreed on or running. */
  readonly generation: number;
  /** Loaded workers needed to leave `gathering`. */
  readonly needed: number;
  readonly profile: Profile | null;
  readonly dataHash: string | null;
  readonly programs: KnownPrograms | null;
  /** In the order in which they finished loading, followed by those that still load. Ranks follow this order. */
  readonly workers: ReadonlyMap<string, WorkerRecord>;
  readonly checkpointStep: number;
  readonly progressStep: number;
  readonly evaluatedStep: number;
  readonly finalEvaluated: boolean;
  /** The hashes of the latest steps that have any. */
  readonly hashes: readonly Hashes[];
  /** By worker: how often peers failed to reach it since the last commit. */
  readonly blames: Readonly<Record<string, number>>;
  /** The worker to which `save` or `search` was sent. */
  readonly saver: string | null;
  /** Step of the newest checkpoint that has arrived and is not durable yet; -1 if there is none. */
  readonly storing: number;
  /** Those of them that are not stored yet, because members may still report another state of their step or of one before it. */
  readonly held: readonly HeldCheckpoint[];
  /** The step from which the last generation went on. Its members report later steps. */
  readonly began: number;
  /** Workers of the previous incarnation that have not loaded yet. */
  readonly awaited: ReadonlySet<string>;
  /** On the clock of `ranMs`. */
  readonly awaitUntilMs: number;
  readonly failing: Failing | null;
  readonly stopReason: StopReason | null;
  /** How long this process has run, by its ticks. Silence is measured on this clock, because a suspended process receives nothing. */
  readonly ranMs: number;
  readonly lastTickMs: number;
  readonly lastHeartbeatMs: number;
}

export type CoordinatorEvent =
  | { readonly type: 'message'; readonly worker: string; readonly message: WorkerMessage }
  /** A piece of a long message from a worker arrived. */
  | { readonly type: 'heard'; readonly worker: string }
  | { readonly type: 'disconnected'; readonly worker: string }
  | { readonly type: 'tick' }
  /** The first interrupt asks for a checkpoint and a clean stop, the second for an immediate stop. */
  | { readonly type: 'interrupt' }
  /** Measured speeds: slow workers lose shards to faster ones. The result stays the same. */
  | { readonly type: 'reweigh'; readonly weights: Readonly<Record<string, number>> }
  /** The checkpoint of `step` is durable. The hashes go to the journal. */
  | {
      readonly type: 'checkpointSaved';
      readonly step: number;
      readonly stateHash?: string;
      readonly tensorsSha256?: string;
    }
  /** The checkpoint of `step` could not be written. Without `error`, its bytes were invalid. */
  | { readonly type: 'checkpointFailed'; readonly step: number; readonly error?: WireError }
  /** The checkpoint of `step`, from which a generation began, cannot be read any more. `newest` can be read, or is -1. */
  | { readonly type: 'checkpointLost'; readonly step: number; readonly newest: number }
  /** At most this many workers will join before the first step. */
  | { readonly type: 'expect'; readonly workers: number }
  /** An awaited worker will not return. */
  | { readonly type: 'absent'; readonly worker: string }
  /** The shell cannot continue: it cannot make decisions durable, or the process that started the run ends it. */
  | { readonly type: 'failed'; readonly error: WireError };

/** Decisions in their order. Each is made durable before it is announced. */
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
  /** SHA-256 of the state, as members hash it, and of the file of its tensors. Release 0.1.0 wrote neither. */
  | {
      readonly type: 'checkpoint';
      readonly step: number;
      readonly stateHash?: string;
      readonly tensorsSha256?: string;
    }
  /** The run has another length after `step`, and so another update program. */
  | { readonly type: 'lengthChanged'; readonly step: number }
  | { readonly type: 'done'; readonly reason: StopReason; readonly step: number };

export type LossReason = 'disconnected' | 'silent' | 'left' | 'unreachable' | 'restarted';

/** Events of the membership for people. */
export type RunEvent =
  | {
      readonly type: 'joined';
      readonly worker: string;
      readonly host: string;
      /** The pid on that host. */
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
  /** No worker is left. The run continues when one joins. */
  | { readonly type: 'waiting' }
  | { readonly type: 'interrupting' }
  /** An error ends the run. The newest state is saved first. */
  | { readonly type: 'failing'; readonly message: string }
  /** The run continues with another build than the one it began with, `began`. `programs`: those that differ. */
  | {
      readonly type: 'buildDiffers';
      readonly build: string;
      readonly began: string;
      readonly programs: readonly string[];
    }
  /** The loss, gradients or update of a step is not finite, which ends the run. */
  | ({ readonly type: 'nonFinite' } & NonFiniteFound)
  /** The state after a step is not finite: the run goes back to find the update that made it. */
  | {
      readonly type: 'nonFiniteState';
      readonly step: number;
      readonly what: readonly string[];
      /** The step it goes back to. */
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
  /** The run has come to the step where it was to pause. `result` has the metrics of the evaluation there. */
  | { readonly reason: 'paused'; readonly step: number; readonly result: OpaqueRecord }
  /** The state before `step` is the newest checkpoint, unless the initial state is not finite. */
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
  /** The entry must be durable before later effects are carried out. */
  | { readonly type: 'journal'; readonly entry: JournalEntry }
  | { readonly type: 'event'; readonly event: RunEvent }
  /** Comes once for each step, in order. */
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly worker: string;
      readonly report: OpaqueRecord;
    }
  /** Comes once for each evaluation, after the progress of its step. */
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly final: boolean;
      readonly report: OpaqueRecord;
    }
  /**
   * Keep the checkpoint that arrived with this message in memory. If the members come to differ, it is never stored: nobody may go on
   * from it.
   */
  | { readonly type: 'holdCheckpoint'; readonly worker: string; readonly step: number }
  /** Write the checkpoint that is held, or that arrived with this message, then raise `checkpointSaved`. A step may occur twice. */
  | { readonly type: 'storeCheckpoint'; readonly worker: string; readonly step: number }
  /** Workers differ, which ends the run. `workers`: those that differ from the majority, or all if there is none. */
  | {
      readonly type: 'diverged';
      readonly step: number;
      readonly of: Hashed;
      readonly workers: readonly string[];
      readonly hashes: Readonly<Record<string, string>>;
    }
  | { readonly type: 'done'; readonly outcome: Outcome };
