/**
 * The time of a step on machines that are connected by a link, from times that were measured on one machine.
 *
 * A step is its segments one after the other. A segment ends when the slowest worker has computed it and its exchange is complete.
 * The buckets of an exchange travel one after the other, each as soon as it is computed, so that part of the traffic is hidden behind
 * the rest of the segment. A bucket needs the time of its bytes on the busiest link, and a latency for each hop (the model of Hockney,
 * 1994, for the all-reduce of `@lockstep/collectives`).
 */
import type { ShardRange } from '@lockstep/collectives';
import type { NetworkLink } from './link.ts';
import { type ExchangedBucket, isCut, trafficOf } from './traffic.ts';

/** What a division of the shards costs on one machine. Times in ms. */
export interface StepCosts {
  /** The shards of each worker that has any, by rank. */
  readonly ranges: readonly ShardRange[];
  /** By rank, the time of each segment that ends with an exchange, with all threads of a worker. */
  readonly segmentMs: readonly (readonly number[])[];
  /** Combining the partials of all workers, of all exchanges, if one worker does it. */
  readonly combineMs: number;
  /** The last segment and the update, which every worker computes. */
  readonly updateMs: number;
}

export interface ModelledStep {
  /** The mean over workers, with combining and the update. */
  readonly computeMs: number;
  /** The mean time for which a worker waits until the slowest one has computed a segment. */
  readonly waitMs: number;
  /** Traffic that no computation hides. */
  readonly networkMs: number;
  /** The sum of the three. */
  readonly stepMs: number;
  /** Bytes that all workers send. */
  readonly sentBytes: number;
}

/** The part of a link that carries frames: 1,448 of the 1,538 bytes that a full packet takes on Ethernet, with headers and gap. */
export const payloadShare = 1448 / 1538;

/** @param exchanges the buckets of each exchange, in the order in which they leave */
export function modelStep(
  { ranges, segmentMs, combineMs, updateMs }: StepCosts,
  exchanges: readonly (readonly ExchangedBucket[])[],
  link: NetworkLink,
): ModelledStep {
  const own = mean(segmentMs.map((times) => sum(times)));
  let slowestMs = 0;
  let networkMs = 0;
  let sentBytes = 0;
  for (const [segment, buckets] of exchanges.entries()) {
    const slowest = Math.max(...segmentMs.map((times) => times[segment]!));
    const traffic = trafficEnd(buckets, ranges, slowest, link);
    slowestMs += slowest;
    networkMs += traffic.endMs - slowest;
    sentBytes += traffic.sentBytes;
  }
  const everywhereMs = combineMs * combinedShare(exchanges, ranges.length) + updateMs;
  const computeMs = own + everywhereMs;
  const waitMs = slowestMs - own;
  return { computeMs, waitMs, networkMs, stepMs: computeMs + waitMs + networkMs, sentBytes };
}

/** When the last bucket of an exchange is complete, in ms since its segment began; not before the segment has ended. */
function trafficEnd(
  buckets: readonly ExchangedBucket[],
  ranges: readonly ShardRange[],
  segmentMs: number,
  { bitsPerSecond, latencyMs }: NetworkLink,
): { readonly endMs: number; readonly sentBytes: number } {
  let freeAt = 0;
  let endMs = segmentMs;
  let sentBytes = 0;
  for (const bucket of buckets) {
    const { busiestBytes, totalBytes, numHops } = trafficOf(bucket, ranges);
    const startAt = Math.max(freeAt, (bucket.readyAt ?? 1) * segmentMs);
    freeAt = startAt + (8_000 * busiestBytes) / (bitsPerSecond * payloadShare);
    if (numHops > 0) endMs = Math.max(endMs, freeAt + numHops * latencyMs);
    sentBytes += totalBytes;
  }
  return { endMs, sentBytes };
}

/** The part of all combining that falls to one worker: its share of buckets that are cut, and all of the others. */
function combinedShare(exchanges: readonly (readonly ExchangedBucket[])[], worldSize: number): number {
  const buckets = exchanges.flat();
  const size = sum(buckets.map((bucket) => bucket.size));
  const own = sum(
    buckets.map((bucket) =>
      isCut(bucket.op, bucket.size, worldSize) ? bucket.size / worldSize : bucket.size,
    ),
  );
  return size === 0 ? 0 : own / size;
}

/**
 * The slowest link, in bits per second, on which a step takes at most `stepMs`; undefined if it takes longer on any link of this
 * latency.
 */
export function breakEvenRate(
  costs: StepCosts,
  exchanges: readonly (readonly ExchangedBucket[])[],
  latencyMs: number,
  stepMs: number,
): number | undefined {
  const fits = (bitsPerSecond: number): boolean =>
    modelStep(costs, exchanges, { bitsPerSecond, latencyMs }).stepMs <= stepMs;
  let [low, high] = [1, 1e15];
  if (costs.ranges.length < 2 || !fits(high)) return undefined;
  while (high / low > 1 + 1e-6) {
    const middle = Math.sqrt(low * high);
    if (fits(middle)) high = middle;
    else low = middle;
  }
  return high;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
