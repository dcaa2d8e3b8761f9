/** A generation's all-reduces, from the worker's blocks to its results, with the times they take. */
import {
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
import type { GenerationLink } from './lanes.ts';
import { clockMs } from './tracer.ts';

export interface StepTimes {
  /** Of the last bucket, until the last peer's first frame came: others were slower than this worker. */
  readonly waitMs: number;
  /** From then on, until the result stood. What went on while the worker computed is not counted. */
  readonly networkMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface ReducedBucket {
  readonly step: number;
  readonly exchange: number;
  readonly bucket: number;
  readonly bytes: number;
  /** When it was started here, by `clockMs`. */
  readonly startMs: number;
  readonly durationMs: number;
}

export interface Reductions {
  /**
   * Starts on the first `numBuckets` buckets of an exchange, whose others are still computed, for a `reduce` that follows. Every
   * rank starts the same buckets in the same order, each when it has them. Does nothing after an abort.
   */
  start(step: number, exchange: number, buckets: readonly BoundBucket[], numBuckets: number): void;
  /** Reduces all buckets of an exchange; `onDone` is not called after an abort. */
  reduce(step: number, exchange: number, buckets: readonly BoundBucket[], onDone: () => void): void;
  receive(header: Header, payload: Uint8Array): void;
  /** Takes what peers on this host have sent through memory. */
  look(): void;
  abort(): void;
  /** Times and bytes since the last call. */
  takeTimes(): StepTimes;
  /**
   * Whether every rank has told, with its frames of an earlier step, that it can exchange steps directly. All ranks have the same
   * answer when they begin a step.
   */
  isDirect(step: number): boolean;
}

export interface ReductionOptions {
  readonly generation: number;
  readonly run: number;
  readonly rank: number;
  readonly ranges: readonly ShardRange[];
  readonly numShards: number;
  readonly combine: Combine;
  readonly link: Pick<GenerationLink, 'outbox' | 'send' | 'take' | 'look'>;
  readonly held: HeldFrames;
  /** Whether this worker can exchange steps directly, from now on in this generation; asked once a step. */
  readonly canBeDirect?: () => boolean;
  readonly onRejected: (reason: string, header: Header) => void;
  /** A bucket was reduced. */
  readonly onBucket?: (bucket: ReducedBucket) => void;
  /** A frame came through memory whose header is none. */
  readonly onFault: (fault: string) => void;
}

/** The exchange under way. */
interface Underway {
  readonly step: number;
  readonly exchange: number;
  /** Of its last bucket, whose frames peers send when their segment has ended. */
  readonly lastFrameId: number;
  numStarted: number;
  numDone: number;
  /** Ranks of peers that have sent frames of the last bucket, and when the last of them first did. */
  readonly heard: Set<number>;
  lastHeardAt: number;
  finish: (() => void) | undefined;
}

const underway = (step: number, exchange: number, numBuckets: number): Underway => ({
  step,
  exchange,
  lastFrameId: encodeFrameId({ exchange, bucket: numBuckets - 1 }),
  numStarted: 0,
  numDone: 0,
  heard: new Set(),
  lastHeardAt: 0,
  finish: undefined,
});

export function createReductions(options: ReductionOptions): Reductions {
  const { link, ranges, canBeDirect = () => false } = options;
  const numPeers = ranges.length - 1;
  const isComplete = ranges.every(({ count }) => count > 0);
  const outbox = createOutbox(isComplete ? link.outbox : new Uint8Array(0));
  /** The first step of each rank whose frames tell that it can exchange directly. */
  const directSince = ranges.map(() => Number.POSITIVE_INFINITY);
  const reducer = createAllReducer({
    ...options,
    link: { reserve: outbox.reserve, send: link.send },
    onAccepted: ({ rank, step, direct }) => {
      if (direct) directSince[rank] = Math.min(step, directSince[rank]!);
    },
  });
  let isAborted = false;
  let isDirect = false;
  let waitMs = 0;
  let networkMs = 0;
  let counted = { sentBytes: 0, receivedBytes: 0 };
  let current: Underway = underway(-1, -1, 0);

  const note = ({ step, frameId, rank }: Header): void => {
    const isLast = step === current.step && frameId === current.lastFrameId;
    if (!isLast || current.heard.has(rank)) return;
    current.heard.add(rank);
    if (current.heard.size === numPeers) current.lastHeardAt = performance.now();
  };
  const begin = (step: number, exchange: number, { length }: readonly BoundBucket[]): Underway => {
    if (step !== current.step || exchange !== current.exchange) {
      // The same in all frames of a step.
      if (step !== current.step && !isDirect && canBeDirect()) {
        isDirect = true;
        directSince[options.rank] = step;
      }
      current = underway(step, exchange, length);
      outbox.turn();
    }
    return current;
  };
  const startUntil = (end: number, of: Underway, buckets: readonly BoundBucket[]): void => {
    for (; of.numStarted < end; of.numStarted++) {
      const bucket = of.numStarted;
      const bound = buckets[bucket]!;
      const startMs = clockMs();
      const { step, exchange } = of;
      const request = { ...bound, step, frameId: encodeFrameId({ exchange, bucket }), direct: isDirect };
      reducer.start(request, () => {
        of.numDone++;
        const durationMs = clockMs() - startMs;
        options.onBucket?.({ step, exchange, bucket, bytes: 4 * bound.size, startMs, durationMs });
        of.finish?.();
      });
    }
  };
  const receive = (header: Header, payload: Uint8Array): void => {
    note(header);
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
        const heardAt = Math.max(joinedAt, of.lastHeardAt);
        waitMs += heardAt - joinedAt;
        networkMs += performance.now() - heardAt;
        onDone();
      };
      // Alone, or with the last frames held here, it is done already.
      of.finish();
      look();
    },
    receive,
    look,
    abort() {
      isAborted = true;
      reducer.abort();
    },
    isDirect: (step) => directSince.every((since) => since < step),
    takeTimes() {
      const { sentBytes, receivedBytes } = reducer.counters;
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
