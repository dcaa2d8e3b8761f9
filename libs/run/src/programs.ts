/** The compiled programs of a run, as those who run them see them. */
import type { Aval, Plan } from '@lockstep/autodiff';

/** A named array of the replicated state. */
export interface Variable extends Aval {
  readonly name: string;
}

export interface Programs {
  readonly params: readonly Variable[];
  readonly state: readonly Variable[];
  readonly optState: readonly Variable[];
  /** Columns of a batch, without the axes of shards and rows. */
  readonly columns: readonly Variable[];
  readonly rowsPerShard: number;
  /** What a training step reports, in order: the loss, the gradient's norm, the experiment's metrics, the links'. */
  readonly stepMetrics: readonly string[];
  /** What an evaluation reports, in order; its partial sums are these and the count. */
  readonly evaluationMetrics: readonly string[];
  /** Of a block of `numShards` shards. Inputs: params, state, columns, weights, keys; outputs: gradient sums, state, sums. */
  shard(numShards: number): Plan;
  /** Inputs: the variables of {@link evaluated}, columns, weights, keys; its one exchange carries sums [1 + metrics + 1]. */
  evaluation(numShards: number): Plan;
  /** What an evaluation reads, as indices into params, state and optState. */
  readonly evaluated: readonly number[];
  /**
   * Inputs: params, optState, gradient sums, sums, step; outputs: params and optState in their places, the guard's numbers
   * (non-finite.ts), step metrics. Its first segment computes the guard's alone, and writes over nothing.
   */
  readonly update: Plan;
  /** How many numbers the guard computes. */
  readonly numGuarded: number;
  /** Whether the optimizer leaves out steps whose gradient is not finite. */
  readonly skipsNonFinite: boolean;
  /** Input: key; outputs: params, state, optState of step 0. */
  readonly init: Plan;
}
