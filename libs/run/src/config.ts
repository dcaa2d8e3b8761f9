/** What decides a run, beside the code and the data. */
import type { ParamValues } from '@lockstep/params';

export interface EarlyStopping {
  /** A metric of the evaluation after each epoch, such as 'validation/loss'. */
  readonly metric: string;
  /** Evaluations without improvement after which the run ends. */
  readonly patience: number;
  /** What counts as an improvement. Default 0. */
  readonly minDelta?: number;
  /** Default 'min' ('max' for a metric to be raised, such as accuracy). */
  readonly mode?: 'min' | 'max';
}

/** Everything that, beside the code and the data, decides the result. Plain data: it travels to workers. */
export interface RunConfig {
  readonly seed: number;
  readonly numShards: number;
  readonly batchSize: number;
  readonly epochs: number | null;
  readonly steps: number | null;
  readonly limitSamples: number | null;
  /** Steps between fingerprints in the log. */
  readonly fingerprintEvery: number;
  /** Steps between checkpoints. */
  readonly checkpointEvery: number;
  /** Whether a loss, gradient or parameter that is not finite ends the run. Default 'stop'. */
  readonly onNonFinite?: 'stop' | 'warn';
  /** Values of all parameters that the experiment declares; absent where it declares none. */
  readonly params?: ParamValues;
}
