/** How the lanes of a generation's workers find each other: every owner of a lane invites all peers to read it. */
import { encodeHeader, type Header } from '@lockstep/collectives';
import type { Member } from '@lockstep/protocol';
import type { Mesh } from '@lockstep/transport';

/** A worker has up to two lanes: of its main thread and of its first compute thread. A lane meets peers' lanes of the same number. */
export const mainLane = 0;
export const threadLane = 1;
export type LaneNumber = typeof mainLane | typeof threadLane;

/** A generation, as one of its members sees it. */
export interface Group {
  readonly generation: number;
  /** See `runHash`. */
  readonly run: number;
  readonly rank: number;
  readonly members: readonly Member[];
}

/** Outlives generations: a peer may send its invitation before this worker has entered the generation. */
export interface Invitations {
  /** Sends an invitation to all peers. `accept` is called with every peer's, early ones included, until `close`. */
  open(group: Group, invitation: Uint8Array, accept: (rank: number, invitation: Uint8Array) => void): void;
  /** Takes a peer's invitation, of this generation or of one that this worker enters soon. */
  receive(peer: string, header: Header, payload: Uint8Array): void;
  close(): void;
}

export function createInvitations(mesh: Pick<Mesh, 'sendOwned'>, lane: LaneNumber): Invitations {
  let current: { readonly group: Group; accept(rank: number, invitation: Uint8Array): void } | undefined;
  /** The last invitation of each peer whose lane was there before ours. */
  const early = new Map<string, { readonly header: Header; readonly payload: Uint8Array }>();

  const take = (peer: string, { rank, run, generation }: Header, payload: Uint8Array): void => {
    if (current === undefined || run !== current.group.run || generation !== current.group.generation) return;
    if (current.group.members[rank]?.worker === peer) current.accept(rank, payload);
  };
  return {
    open(group, invitation, accept) {
      const { members, rank } = group;
      current = { group, accept };
      const header = invitationHeader(group, lane, invitation.length);
      for (const { worker } of members) {
        if (worker !== members[rank]!.worker) mesh.sendOwned(worker, [header, invitation]);
        const kept = early.get(worker);
        early.delete(worker);
        if (kept !== undefined) take(worker, kept.header, kept.payload);
      }
    },
    receive(peer, header, payload) {
      if (header.generation === current?.group.generation) take(peer, header, payload);
      else early.set(peer, { header, payload });
    },
    close() {
      current = undefined;
    },
  };
}

function invitationHeader({ run, generation, rank }: Group, lane: LaneNumber, length: number): Uint8Array {
  const position = { step: 0, frameId: lane, level: 0, index: 0, chunk: 0, direct: false };
  return encodeHeader({ kind: 'lane-invitation', run, generation, rank, ...position, length });
}
