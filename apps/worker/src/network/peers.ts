/** The connections to peers. Those between members of successive generations stay open. */
import type { Member } from '@lockstep/protocol';
import type { Mesh } from '@lockstep/transport';

export interface Peers {
  /** Connects to all of `members` but this worker, and disconnects from everyone else. */
  meet(members: readonly Member[]): void;
  /** Notes that the mesh has lost a peer. The next generation that the peer is in connects anew. */
  lost(peer: string): void;
}

export function createPeers(mesh: Pick<Mesh, 'connect' | 'disconnect'>, self: string): Peers {
  const connected = new Set<string>();
  return {
    meet(members) {
      const present = new Set(members.map(({ worker }) => worker));
      for (const peer of connected) {
        if (present.has(peer)) continue;
        mesh.disconnect(peer);
        connected.delete(peer);
      }
      for (const { worker, endpoint } of members) {
        if (worker === self || connected.has(worker)) continue;
        mesh.connect(worker, endpoint);
        connected.add(worker);
      }
    },
    lost(peer) {
      connected.delete(peer);
    },
  };
}
