/** Between a worker's main thread and its compiler thread. */
import type { Plan } from '@lockstep/autodiff';
import type { Dataset } from '@lockstep/data';
import type { WireError } from '@lockstep/errors';
import type { ProgramHashes } from '@lockstep/protocol';
import type { EarlyStopping, ProgramSet, RunConfig } from '@lockstep/run';

/** The experiment as data: what remains of it once its functions have been traced. */
export interface Compiled {
  /** Its columns lie in shared memory. */
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
  | { readonly type: 'plan'; readonly sizes: readonly number[] };

export type Reply = { readonly value: Compiled | Plans } | { readonly error: WireError };
