/** An exchange by a thread that has nothing else to do meanwhile, with peers on this host: the thread blocks until the exchange is done. */

import type { BoundBucket } from '@lockstep/collectives';
import { LockstepError } from '@lockstep/errors';
import type { Lane } from '@lockstep/lanes';
import { type GenerationLink, look, patienceMs } from '../network/lanes.ts';
import type { Reductions } from './reductions.ts';

/**
 * A link through a lane without `onBell`.
 *
 * @param lane undefined without peers
 * @param numThreads threads that exchange on this host, each of which would need a core to look at the same time
 */
export function directLink(lane: Lane | undefined, numThreads: number): GenerationLink {
  if (lane === undefined) return { outbox: new Uint8Array(0), send: unsent, take() {}, look() {} };
  return {
    outbox: lane.data,
    send(toRank, header, payload) {
      if (!lane.post(toRank, header, payload)) unsent();
    },
    // A thread that computes looks now and then by itself: peers need not ring.
    take: (onFrame) => void lane.take((_peer, header, payload) => onFrame(header, payload)),
    look: (onFrame, isDone) => look(lane, patienceMs(numThreads), onFrame, isDone),
  };
}

function unsent(): never {
  throw new LockstepError('internal', 'a frame of a direct exchange has no way to its peer');
}

/** Reduces all buckets of an exchange over a {@link directLink} to `lane`. Returns early once `isAborted`, after the bell has rung. */
export function reduceDirectly(
  reductions: Reductions,
  lane: Lane | undefined,
  [step, exchange, buckets]: readonly [number, number, readonly BoundBucket[]],
  isAborted: () => boolean = () => false,
): void {
  let isDone = false;
  reductions.reduce(step, exchange, buckets, () => {
    isDone = true;
  });
  while (!isDone && !isAborted()) {
    lane!.hear();
    reductions.look();
  }
}
