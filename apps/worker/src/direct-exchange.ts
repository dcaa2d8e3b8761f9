/** An exchange by a thread that has nothing else to do meanwhile, with peers on this host: it blocks until the exchange is done. */
import type { BoundBucket } from '@lockstep/collectives';
import { LockstepError } from '@lockstep/errors';
import type { Lane } from '@lockstep/lanes';
import { type GenerationLink, look, patienceMs } from './lanes.ts';
import type { Reductions } from './reductions.ts';

/**
 * Frames through a lane whose bell calls nobody. `numThreads`: that exchange on this host, and would all have to look at once.
 * Undefined: there are no peers.
 */
export function directLink(lane: Lane | undefined, numThreads: number): GenerationLink {
  if (lane === undefined) return { outbox: new Uint8Array(0), send: unsent, take() {}, look() {} };
  return {
    outbox: lane.data,
    send(toRank, header, payload) {
      if (!lane.post(toRank, header, payload)) unsent();
    },
    // While it computes it looks by itself, now and then: nobody needs to ring.
    take: (onFrame) => void lane.take((_peer, header, payload) => onFrame(header, payload)),
    look: (onFrame, isDone) => look(lane, patienceMs(numThreads), onFrame, isDone),
  };
}

function unsent(): never {
  throw new LockstepError('internal', 'a frame of a direct exchange has no way to its peer');
}

/** Reduces all buckets, over a `directLink` to `lane`; returns early where `isAborted`, after the bell has rung. */
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
