/** A generation's all-reduces: from the partials of the worker's blocks to results, with the times that they take. */

import {
  type AllReducerCounters,
  type BoundBucket,
  type Combine,
  createAllReducer,
  createOutbox,
  decodeHeader,
  encodeFrameId,
  type Header,
  type HeldFrames,
  type ShardRange,
} from '@lockstep/collectives';
import { clockMs } from '../clock.ts';
import type { GenerationLink } from '../network/lanes.ts';
import { createDirectAgreement } from './direct-agreement.ts';
import type { ExchangeTimes, ReducedBucket } from './measures.ts';

export interface Reductions {
  /**
   * Starts the first `numBuckets` buckets of an exchange while the others are still computed; a `reduce` follows. Every rank starts
   * the same buckets in the same order, each as soon as it has them. Does nothing after an abort.
   */
  start(step: number, exchange: number, buckets: readonly BoundBucket[], numBuckets: number): void;
  /** Reduces all buckets of an exchange. `onDone` may be called before this returns, and is not called after an abort. */
  reduce(step: number, exchange: number, buckets: readonly BoundBucket[], onDone: () => void): void;
  receive(header: Header, payload: Uint8Array): void;
  /** Takes what peers on this host have sent through memory. */
  look(): void;
  abort(): void;
  /** Times and bytes since the last call. */
  takeTimes(): ExchangeTimes;
  /** Whether all ranks exchange this step directly. All ranks have the same answer when they begin the step. */
  isDirect(step: number): boolean;
}

export interface ReductionOptions {
  readonly generation: number;
  readonly run: number;
  readonly rank: number;
  readonly ranges: readonly ShardRange[];
  readonly numShards: number;
  readonly combine: Combine;
  readonly link: GenerationLink;
  readonly held: HeldFrames;
  /** Whether this worker's compute threads can exchange by themselves: see {@link createDirectAgreement}. Default: never. */
  readonly canExchangeDirectly?: () => boolean;
  readonly onRejected: (reason: string, header: Header) => void;
  readonly onBucket?: (bucket: ReducedBucket) => void;
  /** Called for a frame that came through memory without a valid header. */
  readonly onFault: (fault: string) => void;
}

/** The exchange that is running. */
interface Running {
  readonly step: number;
  readonly exchange: number;
  /** Of the last bucket, whose frames peers send when their segment has ended. */
  readonly lastFrameId: number;
  numStarted: number;
  numDone: number;
  /** Ranks of peers that have sent frames of the last bucket. */
  readonly heard: Set<number>;
  /** When all peers had first done so. */
  allHeardAt: number;
  finish: (() => void) | undefined;
}

const running = (step: number, exchange: number, numBuckets: number): Running => ({
  step,
  exchange,
  lastFrameId: encodeFrameId({ exchange, bucket: numBuckets - 1 }),
  numStarted: 0,
  numDone: 0,
  heard: new Set(),
  allHeardAt: 0,
  finish: undefined,
});

export function createReductions(options: ReductionOptions): Reductions {
  const { link, ranges, rank, canExchangeDirectly = () => false } = options;
  const numPeers = ranges.length - 1;
  const isComplete = ranges.every(({ count }) => count > 0);
  const outbox = createOutbox(isComplete ? link.outbox : new Uint8Array(0));
  const agreement = createDirectAgreement(rank, ranges.length, canExchangeDirectly);
  const reducer = createAllReducer({
    ...options,
    link: { reserve: outbox.reserve, send: link.send },
    onAccepted: agreement.note,
  });
  const stopwatch = createStopwatch(reducer.counters);
  let isAborted = false;
  let isMarked = false;
  let current: Running = running(-1, -1, 0);

  const begin = (step: number, exchange: number, { length }: readonly BoundBucket[]): Running => {
    if (step === current.step && exchange === current.exchange) return current;
    if (step !== current.step) isMarked = agreement.begin(step);
    current = running(step, exchange, length);
    outbox.turn();
    return current;
  };
  const startUntil = (end: number, of: Running, buckets: readonly BoundBucket[]): void => {
    for (; of.numStarted < end; of.numStarted++) {
      const bucket = of.numStarted;
      const bound = buckets[bucket]!;
      const startMs = clockMs();
      const { step, exchange } = of;
      const request = { ...bound, step, frameId: encodeFrameId({ exchange, bucket }), direct: isMarked };
      reducer.start(request, () => {
        of.numDone++;
        const durationMs = clockMs() - startMs;
        options.onBucket?.({ step, exchange, bucket, bytes: 4 * bound.size, startMs, durationMs });
        of.finish?.();
      });
    }
  };
  const receive = (header: Header, payload: Uint8Array): void => {
    noteLast(current, header, numPeers);
    reducer.receive(header, payload);
  };
  const onFrame = (head: Uint8Array, payload: Uint8Array): void => {
    const decoded = decodeHeader(head, payload.byteLength);
    if (decoded.ok) receive(decoded.header, payload);
    else options.onFault(decoded.fault);
  };
  const look = (): void => link.look(onFrame, () => reducer.numActive === 0);
  return {
    start(step, exchange, buckets, numBuckets) {
      if (isAborted) return;
      startUntil(numBuckets, begin(step, exchange, buckets), buckets);
      link.take(onFrame);
    },
    reduce(step, exchange, buckets, onDone) {
      const of = begin(step, exchange, buckets);
      const joinedAt = performance.now();
      startUntil(buckets.length, of, buckets);
      of.finish = () => {
        if (of.numDone < buckets.length) return;
        stopwatch.add(joinedAt, of.allHeardAt, performance.now());
        onDone();
      };
      // A single worker, or one that holds the last frames already, is done here.
      of.finish();
      look();
    },
    receive,
    look,
    abort() {
      isAborted = true;
      reducer.abort();
    },
    takeTimes: stopwatch.take,
    isDirect: agreement.isReached,
  };
}

/** Notes when the last of the peers first sent a frame of the exchange's last bucket. */
function noteLast(of: Running, { step, frameId, rank }: Header, numPeers: number): void {
  if (step !== of.step || frameId !== of.lastFrameId || of.heard.has(rank)) return;
  of.heard.add(rank);
  if (of.heard.size === numPeers) of.allHeardAt = performance.now();
}

/** Adds up the times of exchanges, and reads the bytes of their frames from counters that only grow. */
function createStopwatch(counters: AllReducerCounters) {
  let waitMs = 0;
  let networkMs = 0;
  let counted = { sentBytes: 0, receivedBytes: 0 };
  return {
    add(joinedAt: number, allHeardAt: number, doneAt: number): void {
      const heardAt = Math.max(joinedAt, allHeardAt);
      waitMs += heardAt - joinedAt;
      networkMs += doneAt - heardAt;
    },
    take(): ExchangeTimes {
      const { sentBytes, receivedBytes } = counters;
      const times = {
        waitMs,
        networkMs,
        sentBytes: sentBytes - counted.sentBytes,
        receivedBytes: receivedBytes - counted.receivedBytes,
      };
      counted = { sentBytes, receivedBytes };
      waitMs = 0;
      networkMs = 0;
      return times;
    },
  };
}
