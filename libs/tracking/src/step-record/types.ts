/** What a step record holds: digests of 64 bits of what each member read and computed in each step. */
import type { ShardRange } from '@lockstep/collectives';

/** What a step's digests stand for: names of the exchanged variables by exchange, and of the replica's arrays. */
export interface RecordForm {
  readonly exchanges: readonly (readonly string[])[];
  readonly replica: readonly string[];
}

/** The shards that a compute thread ran as one, a node of the tree of shards. */
export interface RecordedBlock {
  readonly shards: ShardRange;
  /** Of the samples' indices, weights and keys. */
  readonly samples: bigint;
  /** Of the bytes of all columns. */
  readonly columns: bigint;
  /** [exchange][variable] */
  readonly partials: readonly (readonly bigint[])[];
}

/** Digests that all members share unless one of them is at fault. Empty lists if the entry that holds them is damaged. */
export interface ReplicatedDigests {
  /** Of each exchange's result. [exchange][variable] */
  readonly results: readonly (readonly bigint[])[];
  /** Of each array of the replica after the update. */
  readonly replica: readonly bigint[];
}

export interface RecordedMember extends ReplicatedDigests {
  readonly worker: string;
  readonly rank: number;
  readonly shards: ShardRange;
  /** In the order of the shards. Empty where only the state is recorded. */
  readonly blocks: readonly RecordedBlock[];
}

export interface RecordedStep {
  readonly step: number;
  /** The generation that computed the step. */
  readonly generation: number;
  readonly form: RecordForm;
  /** By rank. Decoded anew at each access: keep the list where you need it more than once. */
  readonly members: readonly RecordedMember[];
}

/** A step that was computed twice, with different results. The later computation counts. */
export interface RecordConflict {
  readonly step: number;
  /** Of the earlier and of the later computation. */
  readonly generations: readonly [number, number];
  /** What differs, such as `result params/0/kernel` or `columns of shards 4 to 7`. */
  readonly what: string;
}

/** A part of the file that cannot be read. */
export interface DamagedEntry {
  readonly path: string;
  /** In bytes, from the beginning of the file. */
  readonly offset: number;
  readonly what: string;
}

export interface StepRecordFile {
  /** Of the newest entries; undefined if the file has none. */
  readonly form: RecordForm | undefined;
  /** In ascending order, without steps that a change of the run's length took back. */
  readonly steps: readonly RecordedStep[];
  readonly conflicts: readonly RecordConflict[];
  readonly damaged: readonly DamagedEntry[];
}
