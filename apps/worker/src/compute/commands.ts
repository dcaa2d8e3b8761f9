/** What a worker's main thread asks of its compute threads. Orders are numbers in shared memory; everything larger is posted. */
import type { Header, ShardRange } from '@lockstep/collectives';
import type { Dataset, SplitName } from '@lockstep/data';
import type { WireError } from '@lockstep/errors';
import type { Profile, WasmMemory } from '@lockstep/kernels';
import type { BatchSlot, ProgramSet, ReplicaCopy, RunConfig, WorkerLayout } from '@lockstep/run';
import type { UpdateResult } from '@lockstep/training';
import type { Interval } from '../clock.ts';
import type { ExchangeTimes, ReducedBucket } from '../exchange/measures.ts';

/** Words of a thread's mailbox. */
export const word = {
  sequence: 0,
  order: 1,
  step: 2,
  segment: 3,
  copy: 4,
  split: 5,
  ticket: 6,
  histograms: 7,
  size: 8,
} as const;

/**
 * Words that all threads of a worker share while they run a whole step.
 *
 * - `arrived`: how often threads other than the first have ended a segment of the step
 * - `passed`: after how many segments the first thread has exchanged
 * - `reachesAll`: 1 if the first thread's lane reaches all peers and theirs reach it, else 0
 */
export const gate = { arrived: 0, passed: 1, reachesAll: 2, size: 3 } as const;

/** In `arrived` and `passed`: the step goes no further. */
export const ABORTED = 2 ** 30;

export const orders = ['configure', 'initialize', 'segment', 'step', 'update', 'evaluate', 'exit'] as const;
export type Order = (typeof orders)[number];

export const splits = ['train', 'validation', 'test'] as const satisfies readonly SplitName[];

export interface Job {
  readonly order: Order;
  readonly step?: number;
  readonly segment?: number;
  /** The replica's copy that the job reads or makes. */
  readonly copy?: ReplicaCopy;
  readonly split?: SplitName;
  /** The training step that comes next, where it is known: its batch is loaded while this job runs. */
  readonly nextStep?: number;
  /** Whether the answer to an `update` has histograms. Default: false. */
  readonly histograms?: boolean;
}

/** What a generation changes; posted before a `configure` order. */
export interface Configuration {
  readonly programs: ProgramSet;
  readonly layout: WorkerLayout;
  readonly memory: WasmMemory;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  readonly profile: Profile;
  /** Threads that take part. */
  readonly numThreads: number;
  /** Whether another thread loads the batches. */
  readonly loadsAhead: boolean;
  /** Set where the threads may exchange by themselves. */
  readonly group?: ThreadGroup;
}

/** A generation, as threads that exchange by themselves see it. */
export interface ThreadGroup {
  readonly generation: number;
  readonly run: number;
  readonly rank: number;
  readonly ranges: readonly ShardRange[];
  readonly numShards: number;
  readonly outboxBytes: number;
  readonly maxHeldBytes: number;
  readonly isTraced: boolean;
}

/** A thread's lane: how peers read it, and the bell that wakes the thread. */
export interface ThreadLane {
  readonly invitation: Uint8Array;
  readonly bell: number;
}

/** Posted to the first thread: how it reads the lane of a peer's first thread. */
export interface PeerInvitation {
  readonly generation: number;
  readonly rank: number;
  readonly invitation: Uint8Array;
}

/** Why a thread has dropped a frame. */
export type Dropped = { readonly reason: string; readonly header: Header } | { readonly fault: string };

/** What a thread has done of a whole step. */
export interface DirectStep {
  /** False: the step was aborted, and must be done again by a later generation. */
  readonly isComplete: boolean;
  readonly segments: readonly Interval[];
  /** Of the first thread. */
  readonly times?: ExchangeTimes;
  /** Of the first thread, in a traced run. */
  readonly buckets?: readonly ReducedBucket[];
}

/** What the main thread asks of the thread that loads batches. */
export type LoaderRequest =
  | { readonly kind: 'configure'; readonly configuration: Configuration }
  | { readonly kind: 'training'; readonly step: number; readonly slot: BatchSlot; readonly ticket: number }
  /** All batches of a split, evaluated after a step; their tickets count up from this one. */
  | {
      readonly kind: 'evaluation';
      readonly split: SplitName;
      readonly step: number;
      readonly ticket: number;
    };

export interface ThreadData {
  readonly thread: number;
  readonly mailbox: Int32Array;
  /** For each bucket of the exchange that the running segment ends in: how many threads have it. */
  readonly arrivals: Int32Array;
  /** See {@link gate}. */
  readonly gates: Int32Array;
  /** See supply.ts. */
  readonly supplyWords: Int32Array;
  /** Of tests: a module whose default export makes the hooks of the thread's executors, a `MakeExecutorHooks`. */
  readonly hooks?: string;
}

/** Posted while a segment runs: all threads have the first `numBuckets` buckets of its exchange. */
export interface Announcement {
  readonly sequence: number;
  readonly numBuckets: number;
}

export type Answer =
  | {
      readonly sequence: number;
      /** By `clockMs`. */
      readonly startMs: number;
      readonly computeMs: number;
      readonly step?: DirectStep;
      /** Of the first thread, after an `update`. */
      readonly update?: UpdateResult;
      /** Of the first thread, after a `configure`. */
      readonly lane?: ThreadLane;
    }
  | { readonly sequence: number; readonly error: WireError };

/** Posted while a step runs. */
export interface DroppedFrame {
  readonly dropped: Dropped;
}
