/** The settings of a run. */
import type { EpochStart } from '@lockstep/data';
import type { ParamValues } from '@lockstep/params';

export interface EarlyStopping {
  /** A metric of the evaluation after each epoch, such as 'validation/loss'. */
  readonly metric: string;
  /** Evaluations without improvement after which the run ends. */
  readonly patience: number;
  /** The least improvement that counts. Default 0. */
  readonly minDelta?: number;
  /** Whether the metric should fall or, as accuracy, rise. Default 'min'. */
  readonly mode?: 'min' | 'max';
}

/** Everything that decides the result besides code and data. Plain data: workers receive it. */
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
  /** What happens when a loss, gradient or parameter is not finite. Default 'stop'. */
  readonly onNonFinite?: 'stop' | 'warn';
  /** The values of all parameters that the experiment declares. Absent if it declares none. */
  readonly params?: ParamValues;
  /** Absent where epochs are counted from the seed's state. */
  readonly epochsFrom?: EpochStart;
  /** The run ends after this step, although its schedule may be longer. Absent for a run that does its whole schedule. */
  readonly until?: number;
}
