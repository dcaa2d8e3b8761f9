/**
 * Whole steps without the main thread: every thread runs its segments one after the other, and in between the first one exchanges
 * what all of them have, with peers on this host through a lane of its own. Such a step costs two hand-overs between threads
 * instead of two for each segment, and the thread that waits for a peer is the one that needs what the peer sends.
 */

import type { BoundBucket } from '@lockstep/collectives';
import { createHeldFrames } from '@lockstep/collectives';
import { createEagerKernels } from '@lockstep/kernels';
import { createLane } from '@lockstep/lanes';
import { combineWith, type ReplicaCopy } from '@lockstep/run';
import type { Executor } from '@lockstep/training';
import { clockMs, type Interval } from '../clock.ts';
import { directLink, reduceDirectly } from '../exchange/direct-exchange.ts';
import type { ReducedBucket } from '../exchange/measures.ts';
import { createReductions } from '../exchange/reductions.ts';
import {
  ABORTED,
  type DirectStep,
  type Dropped,
  gate,
  type ThreadGroup,
  type ThreadLane,
} from './commands.ts';

export interface StepperOptions {
  readonly executor: Executor;
  readonly group: ThreadGroup;
  readonly thread: number;
  readonly numThreads: number;
  /** See {@link gate}. */
  readonly gates: Int32Array;
  /** By exchange. */
  readonly buckets: readonly (readonly BoundBucket[])[];
  readonly onDropped: (dropped: Dropped) => void;
}

export interface Stepper {
  /** Runs all segments of a step and the exchanges between them, or as far as an abort lets it. */
  run(step: number, copy: ReplicaCopy): DirectStep;
  /** To be called when the first `numBuckets` buckets of the running segment's exchange are complete on this thread. */
  ready(numBuckets: number): void;
  /** Undefined on threads other than the first, without peers, and without shared memory. */
  readonly lane: ThreadLane | undefined;
  accept(rank: number, invitation: Uint8Array): void;
  /** Tells the main thread whether this thread reaches all peers and they reach it. */
  tellReach(): void;
  close(): void;
}

export function createStepper(options: StepperOptions): Stepper {
  const { executor, thread, gates, buckets } = options;
  const exchanger = thread === 0 ? createExchanger(options) : undefined;
  const arrive = (): void => {
    Atomics.add(gates, gate.arrived, 1);
    Atomics.notify(gates, gate.arrived);
  };
  /** Waits until the first thread has exchanged after a segment. */
  const awaitExchange = (segment: number): void => {
    for (let at = Atomics.load(gates, gate.passed); at <= segment; at = Atomics.load(gates, gate.passed)) {
      Atomics.wait(gates, gate.passed, at);
    }
  };
  return {
    lane: exchanger?.lane,
    accept: (rank, invitation) => exchanger?.accept(rank, invitation),
    tellReach: () => exchanger?.tellReach(),
    ready: (numBuckets) => exchanger?.start(numBuckets),
    run(step, copy) {
      const segments: Interval[] = [];
      exchanger?.begin(step);
      for (let segment = 0; segment < buckets.length && !isAborted(gates); segment++) {
        const startMs = clockMs();
        exchanger?.enter(segment);
        executor.runSegment(step, segment, copy);
        segments.push({ startMs, durationMs: clockMs() - startMs });
        if (exchanger === undefined) {
          arrive();
          awaitExchange(segment);
        } else {
          exchanger.exchange();
        }
      }
      const isComplete = !isAborted(gates);
      return { isComplete, segments, ...exchanger?.end(isComplete) };
    },
    close: () => exchanger?.close(),
  };
}

const isAborted = (gates: Int32Array): boolean => Atomics.load(gates, gate.passed) >= ABORTED;

/** What the first thread does between segments. */
function createExchanger({ group, buckets, numThreads, gates, onDropped }: StepperOptions) {
  const { ranges, rank, outboxBytes, maxHeldBytes } = group;
  const numRanks = ranges.length;
  const lane = numRanks > 1 ? createLane({ rank, numRanks, dataBytes: outboxBytes }) : undefined;
  let reduced: ReducedBucket[] = [];
  const reductions = createReductions({
    ...group,
    combine: combineWith(createEagerKernels()),
    link: directLink(lane, numRanks * numThreads),
    held: createHeldFrames(maxHeldBytes),
    onRejected: (reason, header) => onDropped({ reason, header }),
    onFault: (fault) => onDropped({ fault }),
    ...(group.isTraced && { onBucket: (bucket: ReducedBucket) => void reduced.push(bucket) }),
  });
  let step = 0;
  let segment = 0;
  const tellReach = (): void => {
    if (Atomics.load(gates, gate.reachesAll) === 1) return;
    const reachesAll = ranges.every((_, peer) => peer === rank || lane?.reaches(peer) === true);
    Atomics.store(gates, gate.reachesAll, reachesAll ? 1 : 0);
  };
  tellReach();

  /** Waits until the other threads have ended the segment. */
  const awaitThreads = (): void => {
    const all = (numThreads - 1) * (segment + 1);
    for (let at = Atomics.load(gates, gate.arrived); at < all; at = Atomics.load(gates, gate.arrived)) {
      Atomics.wait(gates, gate.arrived, at);
    }
  };
  return {
    lane: lane && { invitation: lane.invitation, bell: lane.bell },
    accept(peer: number, invitation: Uint8Array): void {
      lane?.accept(peer, invitation);
    },
    begin(of: number): void {
      step = of;
      reductions.takeTimes();
      reduced = [];
    },
    enter(of: number): void {
      segment = of;
    },
    start(numBuckets: number): void {
      // Other threads may not have these buckets yet.
      if (numThreads === 1) reductions.start(step, segment, buckets[segment]!, numBuckets);
    },
    exchange(): void {
      awaitThreads();
      if (isAborted(gates)) return;
      reduceDirectly(reductions, lane, [step, segment, buckets[segment]!], () => isAborted(gates));
      // Leaves the mark of an abort in place.
      Atomics.compareExchange(gates, gate.passed, segment, segment + 1);
      if (numThreads > 1) Atomics.notify(gates, gate.passed);
    },
    end(isComplete: boolean) {
      if (!isComplete) reductions.abort();
      return { times: reductions.takeTimes(), buckets: reduced };
    },
    tellReach,
    close: () => lane?.release(),
  };
}
