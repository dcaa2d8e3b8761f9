/** What exchanges cost: plain data that threads pass to each other. */
import type { Interval } from '../clock.ts';

/** Of one step, or since the last reading. */
export interface ExchangeTimes {
  /** From when the last bucket was started here until every peer's first frame of it had come: others were slower than this worker. */
  readonly waitMs: number;
  /** From then on until the result was complete. What was exchanged while the worker computed is not counted. */
  readonly networkMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A bucket whose result is complete. Its interval begins when the reduction was started on this worker. */
export interface ReducedBucket extends Interval {
  readonly step: number;
  readonly exchange: number;
  readonly bucket: number;
  readonly bytes: number;
}
