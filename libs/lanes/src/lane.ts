/**
 * Messages between processes of one host through memory: no copy, no system call, and no wake-up of who looks anyway.
 *
 * Every process has a segment that it alone writes and its peers read:
 *
 * | bytes          | holds                                                                        |
 * |----------------|------------------------------------------------------------------------------|
 * | nonce          | proof to a peer that it opened this segment and no other                       |
 * | attention      | odd: this process looks at its mailboxes by itself; even: it wants a bell       |
 * | a line a peer  | `mapped`: it may post here to us; `posted` to it; `taken` from it              |
 * | mailboxes      | a ring of slots for each peer: a header and where the payload lies              |
 * | data           | payloads, written by the user of the lane                                      |
 *
 * A word has one writer, so a store that follows the bytes it tells of is all the synchronisation there is. A segment is
 * used for one set of peers and never again, so who still reads an old one finds nothing newer in it.
 */
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import { invariant } from '@lockstep/errors';
import { type Bell, hangBell, hangQuietBell, type QuietBell, type Rope, reachBell } from './bell.ts';
import { createShared, sharedMemory } from './shared-memory.ts';

export interface LaneOptions {
  /** Our number among `numRanks` processes, some of which may be on other hosts. */
  readonly rank: number;
  readonly numRanks: number;
  readonly dataBytes: number;
  /** Something was posted to us while we slept. Without it nobody is called, and `hear` waits for it. */
  readonly onBell?: () => void;
}

export interface Lane {
  /** Memory that payloads are posted from, 64-byte aligned. */
  readonly data: Uint8Array;
  /** To be sent to every peer, for its `accept`. */
  readonly invitation: Uint8Array;
  /** Opens a peer's segment. False: it is on another host, of another user, or not to be seen from this container. */
  accept(peer: number, invitation: Uint8Array): boolean;
  /** Whether messages to a peer go through memory: both have accepted the other. */
  reaches(peer: number): boolean;
  /**
   * Puts a message into a peer's mailbox, and wakes the peer if it sleeps: at most 48 bytes of header, which are copied, and a payload within `data`.
   * False: it must travel otherwise, because the peer is not reached, its mailbox is full, or the payload lies elsewhere.
   */
  post(peer: number, header: Uint8Array, payload: Uint8Array): boolean;
  /** Hands over what was posted to us, views of the peers' memory, and tells how many messages that were. */
  take(onMessage: (peer: number, header: Uint8Array, payload: Uint8Array) => void): number;
  /** From now on peers ring: look once more after this, then wait. */
  sleep(): void;
  /** From now on we look by ourselves. */
  wake(): void;
  /** Blocks this thread until the bell rings, of a lane without `onBell`; it may return without. */
  hear(): void;
  /** The bell's descriptor, for {@link reachBell}. */
  readonly bell: number;
  /** Nothing is posted or taken any more; views of the memory stay valid. */
  close(): void;
  /** Closes it, and unmaps all memory: views of it are empty from then on. */
  release(): void;
}

const nonceBytes = 16;
const lineBytes = 64;
const slotBytes = 64;
/** Messages to a peer that it has not taken yet; a power of two. */
export const laneMessages = 256;
const numSlots = laneMessages;
const slotHeaderBytes = 16;

/** Words of a peer's line. */
const word = { mapped: 0, posted: 1, taken: 2 } as const;

interface Invitation {
  readonly pid: number;
  readonly fd: number;
  readonly bell: number;
  readonly bytes: number;
  readonly nonce: string;
}

/** One process's segment, whoever wrote it. */
interface Segment {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
}

interface Peer extends Segment {
  readonly rope: Rope;
  /** Its attention when it was last rung for. */
  rungAt: number;
}

/** Undefined where this machine has no shared memory. */
export function createLane(options: LaneOptions): Lane | undefined {
  const { rank, numRanks, dataBytes, onBell } = options;
  const mailboxes = lineBytes * (1 + numRanks);
  const dataStart = mailboxes + numRanks * numSlots * slotBytes;
  const totalBytes = dataStart + dataBytes;
  const shared = createShared(totalBytes);
  if (shared === undefined) return undefined;
  const { fd, buffer, ends, drain, unmap } = shared;
  const own = segmentOf(buffer);
  const nonce = randomBytes(nonceBytes);
  own.bytes.set(nonce);
  const bell: Bell & Partial<QuietBell> =
    onBell === undefined ? hangQuietBell(ends, drain) : hangBell(ends, onBell);
  const peers = Array.from({ length: numRanks }, (): Peer | undefined => undefined);
  const { pid } = process;
  const invitation: Invitation = {
    pid,
    fd,
    bell: bell.fd,
    bytes: totalBytes,
    nonce: nonce.toString('hex'),
  };
  const attention = nonceBytes / 4;
  /** The word of `of`'s line in a segment. */
  const at = (of: number, which: keyof typeof word) => (lineBytes / 4) * (1 + of) + word[which];
  const slotAt = (reader: number, message: number) =>
    mailboxes + slotBytes * (reader * numSlots + (message & (numSlots - 1)));
  const reached = (peer: number): Peer | undefined => {
    const segment = peers[peer];
    return segment !== undefined && Atomics.load(segment.words, at(rank, 'mapped')) === 1
      ? segment
      : undefined;
  };
  /** Once for every time it falls asleep: it takes all there is when it wakes. */
  const wakeIfAsleep = (peer: Peer): void => {
    const now = Atomics.load(peer.words, attention);
    if (now % 2 !== 0 || peer.rungAt === now) return;
    peer.rungAt = now;
    peer.rope.ring();
  };
  Atomics.store(own.words, attention, 1);
  let isClosed = false;
  const close = (): void => {
    if (isClosed) return;
    isClosed = true;
    bell.close();
    closeSync(fd);
    for (const peer of peers) peer?.rope.close();
  };

  return {
    data: own.bytes.subarray(dataStart),
    invitation: Buffer.from(JSON.stringify(invitation)),
    accept(peer, bytes) {
      const opened = isClosed ? undefined : openPeer(bytes);
      if (opened === undefined) return false;
      peers[peer]?.rope.close();
      peers[peer] = opened;
      Atomics.store(own.words, at(peer, 'mapped'), 1);
      return true;
    },
    reaches: (peer) => reached(peer) !== undefined,
    post(peer, header, payload) {
      const segment = reached(peer);
      if (segment === undefined || payload.buffer !== buffer) return false;
      const posted = Atomics.load(own.words, at(peer, 'posted'));
      const numWaiting = (posted - Atomics.load(segment.words, at(rank, 'taken'))) | 0;
      if (numWaiting >= numSlots || header.length > slotBytes - slotHeaderBytes) return false;
      const slot = slotAt(peer, posted);
      own.view.setFloat64(slot, payload.byteOffset, true);
      own.view.setUint32(slot + 8, payload.byteLength, true);
      own.view.setUint32(slot + 12, header.length, true);
      own.bytes.set(header, slot + slotHeaderBytes);
      Atomics.store(own.words, at(peer, 'posted'), (posted + 1) | 0);
      wakeIfAsleep(segment);
      return true;
    },
    take(onMessage) {
      let numTaken = 0;
      for (const [peer, segment] of peers.entries()) {
        if (segment === undefined) continue;
        for (;;) {
          // Read anew each time: what is handed over may lead to another take, inside this one.
          const taken = Atomics.load(own.words, at(peer, 'taken'));
          if (taken === Atomics.load(segment.words, at(rank, 'posted'))) break;
          const slot = slotAt(rank, taken);
          const start = segment.view.getFloat64(slot, true);
          const payload = segment.bytes.subarray(start, start + segment.view.getUint32(slot + 8, true));
          const end = slot + slotHeaderBytes + segment.view.getUint32(slot + 12, true);
          const header = segment.bytes.slice(slot + slotHeaderBytes, end);
          Atomics.store(own.words, at(peer, 'taken'), (taken + 1) | 0);
          numTaken++;
          onMessage(peer, header, payload);
        }
      }
      return numTaken;
    },
    sleep: () => {
      if (Atomics.load(own.words, attention) % 2 !== 0) Atomics.add(own.words, attention, 1);
    },
    wake: () => {
      if (Atomics.load(own.words, attention) % 2 === 0) Atomics.add(own.words, attention, 1);
    },
    hear() {
      invariant(bell.hear !== undefined, 'the bell of this lane calls its user');
      bell.hear();
    },
    bell: bell.fd,
    close() {
      close();
      peers.length = 0;
    },
    release() {
      close();
      for (const segment of [own, ...peers.splice(0)]) if (segment !== undefined) unmap(segment.buffer);
    },
  };
}

function segmentOf(buffer: ArrayBuffer): Segment {
  const words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
  return { buffer, bytes: new Uint8Array(buffer), words, view: new DataView(buffer) };
}

function openPeer(invitation: Uint8Array): Peer | undefined {
  const memory = sharedMemory();
  const theirs = parseInvitation(invitation);
  if (!memory.available || theirs === undefined) return undefined;
  const { pid, fd, bell, bytes } = theirs;
  try {
    const segment = segmentOf(memory.open(pid, fd, bytes));
    const nonce = Buffer.from(segment.bytes.subarray(0, nonceBytes)).toString('hex');
    return nonce === theirs.nonce ? { ...segment, rope: reachBell(pid, bell), rungAt: -1 } : undefined;
  } catch {
    // It cannot be opened from here, which is the answer: the peer is elsewhere.
    return undefined;
  }
}

function parseInvitation(bytes: Uint8Array): Invitation | undefined {
  let value: Partial<Record<keyof Invitation, unknown>> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // Not JSON, so it is no invitation; messages go over the network.
    return undefined;
  }
  const isNumber = (each: unknown) => Number.isSafeInteger(each) && (each as number) > 0;
  const numbers = [value?.pid, value?.fd, value?.bell, value?.bytes];
  return numbers.every(isNumber) && typeof value?.nonce === 'string' ? (value as Invitation) : undefined;
}
