/** How a generation's frames travel: through memory to peers on this host, over the network to the others. */
import { availableParallelism } from 'node:os';
import type { Header } from '@lockstep/collectives';
import { createLane, type Lane } from '@lockstep/lanes';
import type { Mesh } from '@lockstep/transport';
import { createInvitations, type Group, mainLane } from './invitations.ts';

export interface GenerationLinkOptions extends Group {
  /** Size of the memory that payloads are sent from. */
  readonly outboxBytes: number;
  /** Compute threads of each worker. */
  readonly numThreads: number;
  /** Called when frames have come through memory: time to `look`. */
  readonly onBell: () => void;
}

export type OnFrame = (header: Uint8Array, payload: Uint8Array) => void;

/** Frames to the peers of one generation. */
export interface GenerationLink {
  /** Memory for payloads, whichever way they travel. */
  readonly outbox: Uint8Array;
  /** Header and payload must stay as they are: for ever, or in the outbox until the peer has read them. */
  send(toRank: number, header: Uint8Array, payload: Uint8Array): void;
  /** Hands over frames that have come through memory, without waiting for more. */
  take(onFrame: OnFrame): void;
  /** Hands over frames that come through memory until `isDone`, or until none come for a moment. From then on peers ring. */
  look(onFrame: OnFrame, isDone: () => boolean): void;
}

/** Outlives generations, each of which has its own link. */
export interface Lanes {
  /** Opens the link of a generation in place of the one before, whose memory is not written any more. */
  open(options: GenerationLinkOptions): GenerationLink;
  /** Takes a peer's invitation, of this generation or of one that this worker enters soon. */
  receive(peer: string, header: Header, payload: Uint8Array): void;
  close(): void;
}

/**
 * How long to look for frames before sleeping, where every compute thread on the host has a core of its own: they all wait
 * meanwhile. Looking saves the wake-up of workers that arrive together. If workers looked much longer, a host that is busy with
 * other things would take them for ones that compute, and would let them wait for their turn.
 */
const lookMs = 0.05;

/** @param isAllowed false: all frames go over the network */
export function createLanes(mesh: Pick<Mesh, 'sendOwned'>, isAllowed: boolean): Lanes {
  const invitations = createInvitations(mesh, mainLane);
  let current: Lane | undefined;

  const close = (): void => {
    current?.close();
    current = undefined;
    invitations.close();
  };
  const openLane = (options: GenerationLinkOptions): Lane | undefined => {
    const { rank, members, outboxBytes, onBell } = options;
    close();
    if (!isAllowed || members.length === 1) return undefined;
    current = createLane({ rank, numRanks: members.length, dataBytes: outboxBytes, onBell });
    if (current !== undefined) invitations.open(options, current.invitation, current.accept);
    return current;
  };

  return {
    open(options) {
      const { members, outboxBytes, numThreads } = options;
      const lane = openLane(options);
      const sendOver = (rank: number, header: Uint8Array, payload: Uint8Array) =>
        void mesh.sendOwned(members[rank]!.worker, [header, payload]);
      if (lane === undefined) {
        const outbox = new Uint8Array(members.length === 1 ? 0 : outboxBytes);
        return { outbox, send: sendOver, take() {}, look() {} };
      }
      return {
        outbox: lane.data,
        send(toRank, header, payload) {
          if (!lane.post(toRank, header, payload)) sendOver(toRank, header, payload);
        },
        take: (onFrame) => look(lane, 0, onFrame, () => false),
        look: (onFrame, isDone) =>
          look(lane, patienceMs(numOnHost(lane, members.length) * numThreads), onFrame, isDone),
      };
    },
    receive: invitations.receive,
    close,
  };
}

function numOnHost(lane: Lane, numRanks: number): number {
  let count = 1;
  for (let peer = 0; peer < numRanks; peer++) if (lane.reaches(peer)) count++;
  return count;
}

/** How long to look where so many compute threads share this host. */
export const patienceMs = (numThreads: number): number => (numThreads <= availableParallelism() ? lookMs : 0);

/** See {@link GenerationLink.look}. */
export function look(lane: Lane, patience: number, onFrame: OnFrame, isDone: () => boolean): void {
  const take = () => lane.take((_peer, header, payload) => onFrame(header, payload));
  lane.wake();
  for (let end = performance.now() + patience; !isDone(); ) {
    if (take() > 0) end = performance.now() + patience;
    else if (performance.now() >= end) break;
  }
  if (isDone()) return;
  lane.sleep();
  // A peer did not ring for frames that it posted before it could see that we sleep.
  take();
  if (isDone()) lane.wake();
}
