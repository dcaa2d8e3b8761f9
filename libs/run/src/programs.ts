/** The compiled programs of a run, as seen by the code that runs them. */
import type { Aval, Plan } from '@lockstep/autodiff';

/** A named array of the replicated state. */
export interface Variable extends Aval {
  readonly name: string;
}

/** The form of the programs' inputs and outputs, from which signatures.ts derives their signatures. */
export interface ProgramForm {
  readonly params: readonly Variable[];
  readonly state: readonly Variable[];
  readonly optState: readonly Variable[];
  /** The columns of a batch, without the axes of shards and rows. */
  readonly columns: readonly Variable[];
  readonly rowsPerShard: number;
  /**
   * The metrics of a training step, in order: loss, gradient norm, the experiment's metrics, the optimizer's metrics.
   */
  readonly stepMetrics: readonly string[];
  /** The metrics of an evaluation, in order: the loss and the experiment's metrics. */
  readonly evaluationMetrics: readonly string[];
  /** The arrays that evaluations read, as places in the replica (`replicaGroups`). */
  readonly evaluated: Evaluated;
  /** Whether the loss has a penalty, whose gradient is in no reduced sum. */
  readonly hasPenalty: boolean;
  /** Whether the optimizer skips steps whose gradients are not finite. */
  readonly skipsNonFinite: boolean;
}

export interface Evaluated {
  /** The parameters, or their weighted sums in the optimizer's state. */
  readonly params: readonly number[];
  readonly state: readonly number[];
  /** The total weight of those sums; empty if the parameters themselves are used. */
  readonly averageWeight: readonly number[];
}

export interface Programs extends ProgramForm {
  /** `shardSignature`: sums of gradients, loss and metrics over a block of `numShards` shards. */
  shard(numShards: number): Plan;
  /** Floating-point operations of `shard(1)`. */
  readonly shardFlops: number;
  /** `evaluationSignature`. */
  evaluation(numShards: number): Plan;
  /** `updateSignature`. Its first segment computes the guard's numbers alone and overwrites no input. */
  readonly update: Plan;
  /** `initSignature`. */
  readonly init: Plan;
}
