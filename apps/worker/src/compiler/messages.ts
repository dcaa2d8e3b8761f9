/** Messages between a worker's main thread and its compiler thread. */
import type { Plan } from '@lockstep/autodiff';
import type { Dataset } from '@lockstep/data';
import type { WireError } from '@lockstep/errors';
import type { ProgramHashes } from '@lockstep/protocol';
import type { EarlyStopping, ProgramSet, RunConfig } from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';

/** An experiment as data, after its functions have been traced. */
export interface Compiled {
  /** Its columns lie in shared memory: it is passed on to compute threads. */
  readonly dataset: Dataset;
  /** With the plans for blocks of one shard. */
  readonly programs: ProgramSet;
  readonly earlyStopping: EarlyStopping | undefined;
  readonly hashes: ProgramHashes;
}

export interface Plans {
  readonly shardPlans: ReadonlyMap<number, Plan>;
  readonly evaluationPlans: ReadonlyMap<number, Plan>;
}

export type Request =
  | { readonly type: 'load'; readonly bundle: Uint8Array; readonly hash: string; readonly config: RunConfig }
  | { readonly type: 'plan'; readonly sizes: readonly number[] }
  /** `arrays`: parameters and model state before the step. */
  | { readonly type: 'search'; readonly step: number; readonly arrays: readonly TypedArray[] };

/** The result of a search for the operation that is not finite. */
export interface SearchResult {
  readonly message: string;
  /** A place in the bundle that the message names. */
  readonly site?: string;
}

export type Reply = { readonly value: Compiled | Plans | SearchResult } | { readonly error: WireError };
