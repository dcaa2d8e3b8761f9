/** What a worker's main thread asks of its compute threads. Orders are numbers in shared memory; bulk is posted. */
import type { Dataset, SplitName } from '@lockstep/data';
import type { WireError } from '@lockstep/errors';
import type { Profile, WasmMemory } from '@lockstep/kernels';
import type { BatchSlot, Parity, ProgramSet, RunConfig, WorkerLayout } from '@lockstep/run';

/** Words of a thread's mailbox. */
export const word = {
  sequence: 0,
  order: 1,
  step: 2,
  segment: 3,
  parity: 4,
  split: 5,
  ticket: 6,
  size: 7,
} as const;

export const orders = ['configure', 'initialize', 'segment', 'update', 'evaluate', 'exit'] as const;
export type Order = (typeof orders)[number];

export const splits = ['train', 'validation', 'test'] as const satisfies readonly SplitName[];

export interface Job {
  readonly order: Order;
  readonly step?: number;
  readonly segment?: number;
  readonly parity?: Parity;
  readonly split?: SplitName;
  /** The training step that comes next, where it is known: its batch is loaded while this job runs. */
  readonly nextStep?: number;
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
}

/** What the main thread asks of the thread that loads batches. */
export type LoaderRequest =
  | { readonly kind: 'configure'; readonly configuration: Configuration }
  | { readonly kind: 'training'; readonly step: number; readonly slot: BatchSlot; readonly ticket: number }
  /** All batches of a split, evaluated at a parity; they have tickets from this one up. */
  | {
      readonly kind: 'evaluation';
      readonly split: SplitName;
      readonly from: Parity;
      readonly ticket: number;
    };

export interface ThreadData {
  readonly thread: number;
  readonly mailbox: Int32Array;
  /** How many threads have each part of the exchange that the segment under way ends in. */
  readonly arrivals: Int32Array;
  /** See supply.ts. */
  readonly supplyWords: Int32Array;
}

/** More than any exchange has parts. */
export const MAX_PARTS = 1024;

/** In the middle of a segment: all threads have the first `numParts` parts of its exchange. */
export interface Announcement {
  readonly sequence: number;
  readonly numParts: number;
}

export type Answer =
  /** `startMs`: by `clockMs`. */
  | { readonly sequence: number; readonly startMs: number; readonly computeMs: number }
  | { readonly sequence: number; readonly error: WireError };
