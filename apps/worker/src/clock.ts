/** The clock of spans and step times. */

/**
 * Monotonic milliseconds, the same for all threads and processes of this machine. `performance.now` is not: it counts from the
 * start of its own thread, and that start is known to a millisecond or so.
 */
export const clockMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** By {@link clockMs}. */
export interface Interval {
  readonly startMs: number;
  readonly durationMs: number;
}
