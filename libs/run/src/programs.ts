/** The compiled programs of a run, as the code that runs them sees them. */
import type { Aval, Plan } from '@lockstep/autodiff';

/** A named array of the replicated state. */
export interface Variable extends Aval {
  readonly name: string;
}

/** What the programs' inputs and outputs look like: enough to derive their signatures (signatures.ts). */
export interface ProgramForm {
  readonly params: readonly Variable[];
  readonly state: readonly Variable[];
  readonly optState: readonly Variable[];
  /** Columns of a batch, without the axes of shards and rows. */
  readonly columns: readonly Variable[];
  readonly rowsPerShard: number;
  /** What a training step reports, in order: the loss, the gradient's norm, the experiment's metrics, the optimizer's. */
  readonly stepMetrics: readonly string[];
  /** What an evaluation reports, in order: the loss and the experiment's metrics. */
  readonly evaluationMetrics: readonly string[];
  /** The arrays that evaluations read, as places in the replica (`replicaGroups`). */
  readonly evaluated: Evaluated;
  /** Whether the loss has a penalty, whose gradient no reduced sum shows. */
  readonly hasPenalty: boolean;
  /** Whether the optimizer leaves out steps whose gradient is not finite. */
  readonly skipsNonFinite: boolean;
}

export interface Evaluated {
  /** The parameters, or what the optimizer's state sums up of them for an average. */
  readonly params: readonly number[];
  readonly state: readonly number[];
  /** What an average has to be divided by; empty for the parameters themselves. */
  readonly averageWeight: readonly number[];
}

export interface Programs extends ProgramForm {
  /** `shardSignature`: sums of gradients, loss and metrics over a block of `numShards` shards. */
  shard(numShards: number): Plan;
  /** `evaluationSignature`. */
  evaluation(numShards: number): Plan;
  /** `updateSignature`. Its first segment computes the guard's numbers alone and overwrites no input. */
  readonly update: Plan;
  /** `initSignature`. */
  readonly init: Plan;
}
