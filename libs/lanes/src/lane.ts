/**
 * Messages between processes of one host through memory: without a copy and without a system call, and without waking a
 * peer that polls. `region.ts` describes the memory.
 */
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { invariant } from '@lockstep/errors';
import { type Bell, hangBell, hangQuietBell, type QuietBell } from './bell.ts';
import { encodeInvitation, openPeer, type Peer } from './invitation.ts';
import { createMailboxes } from './mailboxes.ts';
import { attention, dataStart, lineWord, nonceBytes, type Region, regionOf } from './region.ts';
import { createShared } from './shared-memory.ts';

export interface LaneOptions {
  /** Our rank among `numRanks` processes, some of which may be on other hosts. */
  readonly rank: number;
  readonly numRanks: number;
  readonly dataBytes: number;
  /** Called when a message was posted to us while we slept. Without it, a thread must wait in `hear`. */
  readonly onBell?: () => void;
}

export interface Lane {
  /** The memory from which payloads are posted, 64-byte aligned. */
  readonly data: Uint8Array;
  /** Must be sent to every peer, for its `accept`. */
  readonly invitation: Uint8Array;
  /** Opens a peer's region. False: the peer is on another host, belongs to another user, or is not visible from this container. */
  accept(peer: number, invitation: Uint8Array): boolean;
  /** Whether messages to a peer go through memory: each has accepted the other. */
  reaches(peer: number): boolean;
  /**
   * Puts a message into a peer's mailbox and wakes the peer if it sleeps. The header, at most 48 bytes, is copied; the
   * payload lies in `data`. False: the message must travel otherwise, because the peer is not reached, its mailbox is
   * full, or the payload lies elsewhere.
   */
  post(peer: number, header: Uint8Array, payload: Uint8Array): boolean;
  /** Passes on the messages posted to us, with payloads as views of the peers' memory. Returns their number. */
  take(onMessage: (peer: number, header: Uint8Array, payload: Uint8Array) => void): number;
  /** From now on peers ring. Call `take` once more after this, then wait. */
  sleep(): void;
  /** From now on we poll, and peers do not ring. */
  wake(): void;
  /** Blocks this thread until the bell of a lane without `onBell` rings. It may return earlier. */
  hear(): void;
  /** The bell's descriptor, for {@link reachBell}. */
  readonly bell: number;
  /** Ends posting and taking. Views of the memory stay valid. */
  close(): void;
  /** Closes the lane and unmaps all memory: its views are empty from then on. */
  release(): void;
}

/** Undefined if this machine has no shared memory. */
export function createLane({ rank, numRanks, dataBytes, onBell }: LaneOptions): Lane | undefined {
  const start = dataStart(numRanks);
  const shared = createShared(start + dataBytes);
  if (shared === undefined) return undefined;
  const { fd, buffer, ends, drain, unmap } = shared;
  const own = regionOf(buffer);
  const nonce = randomBytes(nonceBytes);
  own.bytes.set(nonce);
  Atomics.store(own.words, attention, 1);
  const bell: Bell & Partial<QuietBell> =
    onBell === undefined ? hangQuietBell(ends, drain) : hangBell(ends, onBell);
  const peers = Array.from({ length: numRanks }, (): Peer | undefined => undefined);
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    bell.close();
    closeSync(fd);
    for (const peer of peers) peer?.rope.close();
  };
  const where = { pid: process.pid, fd, bell: bell.fd, bytes: buffer.byteLength };
  return {
    ...createMailboxes(own, rank, numRanks, peers),
    data: own.bytes.subarray(start),
    invitation: encodeInvitation({ ...where, nonce: nonce.toString('hex') }),
    accept(peer, bytes) {
      const opened = isClosed ? undefined : openPeer(bytes);
      if (opened === undefined) return false;
      peers[peer]?.rope.close();
      peers[peer] = opened;
      Atomics.store(own.words, lineWord(peer, 'mapped'), 1);
      return true;
    },
    sleep: () => setPolling(own, false),
    wake: () => setPolling(own, true),
    hear() {
      invariant(bell.hear !== undefined, 'only a lane without onBell can wait for its bell');
      bell.hear();
    },
    bell: bell.fd,
    close() {
      close();
      peers.length = 0;
    },
    release() {
      close();
      for (const region of [own, ...peers.splice(0)]) if (region !== undefined) unmap(region.buffer);
    },
  };
}

/** Attention counts the changes, so that a peer can tell one sleep from the next. */
function setPolling({ words }: Region, isPolling: boolean): void {
  if ((Atomics.load(words, attention) % 2 !== 0) !== isPolling) Atomics.add(words, attention, 1);
}
