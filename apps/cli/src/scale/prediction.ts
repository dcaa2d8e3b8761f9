/** What `lockstep explain --link` predicts, as plain data. */
import type { NetworkLink } from '@lockstep/scaling';

/** A step of some workers, as predicted. Rates are in bits per second. */
export interface PredictedRow {
  readonly workers: number;
  /** Shards of the worker that has most. */
  readonly shards: number;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly networkMs: number;
  readonly stepMs: number;
  readonly samplesPerSecond: number;
  readonly sentBytes: number;
  readonly speedUp: number;
  readonly efficiency: number;
  /** The slowest link on which these workers are as fast as one; absent for one worker and where no link suffices. */
  readonly breakEven?: number;
}

export interface LinkPrediction {
  readonly experiment: string;
  readonly batchSize: number;
  readonly numShards: number;
  readonly profile: string;
  readonly threads: number;
  readonly link: NetworkLink;
  readonly exchangedBytes: number;
  readonly numExchanges: number;
  readonly rows: readonly PredictedRow[];
}
