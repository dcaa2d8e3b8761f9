/** How a generation's frames travel: through memory to peers on this host, over the network to the others. */
import { availableParallelism } from 'node:os';
import type { Header } from '@lockstep/collectives';
import { createLane, type Lane } from '@lockstep/lanes';
import type { Mesh } from '@lockstep/transport';
import { createInvitations, type Group, mainLane } from './invitations.ts';

export interface GenerationLinkOptions extends Group {
  /** Memory that payloads are sent from. */
  readonly outboxBytes: number;
  readonly numThreads: number;
}

export type OnFrame = (header: Uint8Array, payload: Uint8Array) => void;

/** Frames to the peers of one generation. */
export interface GenerationLink {
  /** Where payloads for memory and network alike are written. */
  readonly outbox: Uint8Array;
  /** The header and the payload are never written again, or only when the peer has read them. */
  send(toRank: number, header: Uint8Array, payload: Uint8Array): void;
  /** Hands over frames that have come through memory, without waiting for more. */
  take(onFrame: OnFrame): void;
  /**
   * Hands over frames that come through memory until `isDone`, or until none come for a moment: peers ring from then on.
   */
  look(onFrame: OnFrame, isDone: () => boolean): void;
}

export interface LanesOptions {
  readonly isAllowed: boolean;
  /** Frames have come through memory: time to `look`. */
  readonly onBell: () => void;
}

export interface Lanes {
  /** A generation begins; what was sent in the one before is not written any more. */
  enter(options: GenerationLinkOptions): GenerationLink;
  /** A peer's invitation, of this generation or of one that begins soon. */
  invited(peer: string, header: Header, payload: Uint8Array): void;
  close(): void;
}

/**
 * How long to look for frames before sleeping, when every compute thread on the host, which waits meanwhile, has a core
 * of its own. It saves the wake-up of workers that arrive together; much longer, and a host that is busy with other
 * things takes it for one that computes, and lets it wait for its turn.
 */
const lookMs = 0.05;

export function createLanes(mesh: Pick<Mesh, 'sendOwned'>, { isAllowed, onBell }: LanesOptions): Lanes {
  const invitations = createInvitations(mesh, mainLane);
  let current: Lane | undefined;

  const open = (options: GenerationLinkOptions): Lane | undefined => {
    const { rank, members, outboxBytes } = options;
    current?.close();
    invitations.close();
    current =
      isAllowed && members.length > 1
        ? createLane({ rank, numRanks: members.length, dataBytes: outboxBytes, onBell })
        : undefined;
    if (current !== undefined) invitations.open(options, current.invitation, current.accept);
    return current;
  };

  return {
    enter(options) {
      const { members, outboxBytes, numThreads } = options;
      const lane = open(options);
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
    invited: invitations.came,
    close() {
      current?.close();
      current = undefined;
      invitations.close();
    },
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
  // What came before a peer could see that we sleep was not rung for.
  take();
  if (isDone()) lane.wake();
}
