/** Takes the frames of peers, and hands each to the lanes or to the generation that it is for. */
import { decodeHeader } from '@lockstep/collectives';
import { type LockstepError, toWireError } from '@lockstep/errors';
import type { Generation } from '../generation/generation.ts';
import type { EarlyFrames } from '../run/early-frames.ts';
import type { WorkerProcess } from '../worker-process.ts';
import { mainLane } from './invitations.ts';

export interface Inbound {
  onFrames(peer: string, frames: readonly Uint8Array[]): void;
  onPeerLost(peer: string, error: LockstepError): void;
}

export interface InboundOptions
  extends Pick<WorkerProcess, 'lanes' | 'threadInvitations' | 'leftRuns' | 'peers' | 'log' | 'raise'> {
  /** Of the run; undefined before the experiment is loaded. */
  readonly early: () => Pick<EarlyFrames, 'put'> | undefined;
  readonly generation: () => Pick<Generation, 'number' | 'hasMember' | 'receive'> | undefined;
}

export function createInbound(options: InboundOptions): Inbound {
  const { lanes, threadInvitations, leftRuns, peers, log, raise, early, generation } = options;
  return {
    onFrames(peer, [head = new Uint8Array(0), payload = new Uint8Array(0)]) {
      const decoded = decodeHeader(head, payload.byteLength);
      if (!decoded.ok) return log.warn({ peer, fault: decoded.fault }, 'dropped a frame');
      const { header } = decoded;
      // Not a warning: peers hear later than this worker that it has left.
      if (leftRuns.has(header.run))
        return log.debug({ peer, header }, 'dropped a frame of a run that was left');
      if (header.kind === 'lane-invitation') {
        const invitations = header.frameId === mainLane ? lanes : threadInvitations;
        return invitations.receive(peer, header, payload);
      }
      const current = generation();
      if (current !== undefined) current.receive(header, payload);
      // Before the experiment is loaded no peer knows of this worker.
      else early()?.put(header, payload);
    },
    onPeerLost(peer, error) {
      peers.lost(peer);
      // Not a warning: peers that are told to stop go at once, and this worker may be told a little later.
      log.info({ peer, error: toWireError(error) }, 'peer lost');
      const current = generation();
      if (current?.hasMember(peer)) raise({ type: 'peerLost', generation: current.number, peer });
    },
  };
}
