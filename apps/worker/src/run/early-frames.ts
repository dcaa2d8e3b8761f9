/** Frames from peers that are ahead of this worker. They outlive generations, whose first frames may come before this worker enters. */
import { createHeldFrames, type Header, type HeldFrames } from '@lockstep/collectives';

export interface EarlyFrames {
  /** Frames of exchanges. */
  readonly held: HeldFrames;
  /** Keeps a frame of a generation that this worker has not entered yet. */
  put(header: Header, payload: Uint8Array): void;
  /** Removes and returns the requests for this generation's state, and forgets those of generations before. */
  takeRequests(generation: number): readonly Header[];
}

export function createEarlyFrames(maxHeldBytes: number): EarlyFrames {
  const held = createHeldFrames(maxHeldBytes);
  let requests: readonly Header[] = [];
  return {
    held,
    put(header, payload) {
      if (header.kind === 'snapshot-request') requests = [...requests, header];
      // Other frames of snapshots answer a request of this worker, so that none comes early.
      else if (!isOfSnapshot(header)) held.put(header, payload);
    },
    takeRequests(generation) {
      const taken = requests.filter((request) => request.generation === generation);
      requests = requests.filter((request) => request.generation > generation);
      return taken;
    },
  };
}

export const isOfSnapshot = ({ kind }: Header): boolean => kind.startsWith('snapshot-');
