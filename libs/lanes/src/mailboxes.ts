/** Posts messages to peers and takes theirs, through the regions of both. */
import type { Peer } from './invitation.ts';
import {
  attention,
  headerIn,
  laneMessages,
  lineWord,
  maxHeaderBytes,
  payloadIn,
  type Region,
  slotAt,
  writeSlot,
} from './region.ts';

export interface Mailboxes {
  reaches(peer: number): boolean;
  post(peer: number, header: Uint8Array, payload: Uint8Array): boolean;
  take(onMessage: (peer: number, header: Uint8Array, payload: Uint8Array) => void): number;
}

/** `peers`: by rank; undefined for ourselves and for peers that are not reached. May change at any time. */
export function createMailboxes(
  own: Region,
  rank: number,
  numRanks: number,
  peers: readonly (Peer | undefined)[],
): Mailboxes {
  const reached = (peer: number): Peer | undefined => {
    const region = peers[peer];
    if (region === undefined) return undefined;
    return Atomics.load(region.words, lineWord(rank, 'mapped')) === 1 ? region : undefined;
  };
  return {
    reaches: (peer) => reached(peer) !== undefined,
    post(peer, header, payload) {
      const region = reached(peer);
      if (region === undefined || payload.buffer !== own.buffer) return false;
      const posted = Atomics.load(own.words, lineWord(peer, 'posted'));
      const numWaiting = (posted - Atomics.load(region.words, lineWord(rank, 'taken'))) | 0;
      if (numWaiting >= laneMessages || header.length > maxHeaderBytes) return false;
      writeSlot(own, slotAt(numRanks, peer, posted), header, payload);
      Atomics.store(own.words, lineWord(peer, 'posted'), (posted + 1) | 0);
      ringIfAsleep(region);
      return true;
    },
    take(onMessage) {
      let numTaken = 0;
      for (const [peer, region] of peers.entries()) {
        if (region === undefined) continue;
        for (;;) {
          // The counter is read in every round, because the handler may call `take` itself.
          const taken = Atomics.load(own.words, lineWord(peer, 'taken'));
          if (taken === Atomics.load(region.words, lineWord(rank, 'posted'))) break;
          const slot = slotAt(numRanks, rank, taken);
          const payload = payloadIn(region, slot);
          const header = headerIn(region, slot);
          Atomics.store(own.words, lineWord(peer, 'taken'), (taken + 1) | 0);
          numTaken++;
          onMessage(peer, header, payload);
        }
      }
      return numTaken;
    },
  };
}

/** Rings once each time the peer falls asleep: when it wakes, it takes all messages. */
function ringIfAsleep(peer: Peer): void {
  const now = Atomics.load(peer.words, attention);
  if (now % 2 !== 0 || peer.rungAt === now) return;
  peer.rungAt = now;
  peer.rope.ring();
}
