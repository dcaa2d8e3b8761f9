/** How a generation's frames travel: through memory to peers on this host, over the network to the others. */
import { availableParallelism } from 'node:os';
import { encodeHeader, type Header } from '@lockstep/collectives';
import type { Member } from '@lockstep/protocol';
import { createLane, type Lane, type Mesh } from '@lockstep/transport';

export interface GenerationLinkOptions {
  readonly generation: number;
  readonly run: number;
  readonly rank: number;
  readonly members: readonly Member[];
  /** Memory that payloads are sent from. */
  readonly outboxBytes: number;
  readonly numThreads: number;
}

/** Frames to the peers of one generation. */
export interface GenerationLink {
  /** Where payloads for memory and network alike are written. */
  readonly outbox: Uint8Array;
  /** The header and the payload are never written again, or only when the peer has read them. */
  send(toRank: number, header: Uint8Array, payload: Uint8Array): void;
  /**
   * Hands over frames that come through memory until `isDone`, or until none come for a moment: peers ring from then on.
   */
  look(onFrame: (header: Uint8Array, payload: Uint8Array) => void, isDone: () => boolean): void;
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

type Current = GenerationLinkOptions & { readonly lane: Lane };

export function createLanes(mesh: Pick<Mesh, 'sendOwned'>, { isAllowed, onBell }: LanesOptions): Lanes {
  let current: Current | undefined;
  /** The last invitation of each peer that is in a later generation already. */
  const early = new Map<string, { readonly header: Header; readonly payload: Uint8Array }>();

  const accept = (peer: string, header: Header, payload: Uint8Array): void => {
    if (current === undefined || header.run !== current.run) return;
    if (current.members[header.rank]?.worker === peer) current.lane.accept(header.rank, payload);
  };
  const open = (options: GenerationLinkOptions): Lane | undefined => {
    const { rank, members, outboxBytes } = options;
    current?.lane.close();
    current = undefined;
    if (!isAllowed || members.length === 1) return undefined;
    const lane = createLane({ rank, numRanks: members.length, dataBytes: outboxBytes, onBell });
    if (lane === undefined) return undefined;
    current = { ...options, lane };
    const header = invitationHeader(options, lane.invitation.length);
    for (const { worker } of members) {
      if (worker !== members[rank]!.worker) mesh.sendOwned(worker, [header, lane.invitation]);
      const invitation = early.get(worker);
      early.delete(worker);
      if (invitation?.header.generation === options.generation) {
        accept(worker, invitation.header, invitation.payload);
      }
    }
    return lane;
  };

  return {
    enter(options) {
      const { members, outboxBytes } = options;
      const lane = open(options);
      const sendOver = (rank: number, header: Uint8Array, payload: Uint8Array) =>
        void mesh.sendOwned(members[rank]!.worker, [header, payload]);
      if (lane === undefined) {
        return { outbox: new Uint8Array(members.length === 1 ? 0 : outboxBytes), send: sendOver, look() {} };
      }
      return {
        outbox: lane.data,
        send(toRank, header, payload) {
          if (!lane.post(toRank, header, payload)) sendOver(toRank, header, payload);
        },
        look: (onFrame, isDone) => look(lane, options, onFrame, isDone),
      };
    },
    invited(peer, header, payload) {
      if (header.generation === current?.generation) accept(peer, header, payload);
      else early.set(peer, { header, payload });
    },
    close() {
      current?.lane.close();
      current = undefined;
    },
  };
}

function look(
  lane: Lane,
  { members, numThreads }: GenerationLinkOptions,
  onFrame: (header: Uint8Array, payload: Uint8Array) => void,
  isDone: () => boolean,
): void {
  const take = () => lane.take((_peer, header, payload) => onFrame(header, payload));
  const numOnHost = 1 + members.filter((_, peer) => lane.reaches(peer)).length;
  const patienceMs = numOnHost * numThreads <= availableParallelism() ? lookMs : 0;
  lane.wake();
  for (let end = performance.now() + patienceMs; !isDone(); ) {
    if (take() > 0) end = performance.now() + patienceMs;
    else if (performance.now() >= end) break;
  }
  if (isDone()) return;
  lane.sleep();
  // What came before a peer could see that we sleep was not rung for.
  take();
  if (isDone()) lane.wake();
}

function invitationHeader({ run, generation, rank }: GenerationLinkOptions, length: number): Uint8Array {
  const position = { step: 0, collective: 0, level: 0, index: 0, chunk: 0 };
  return encodeHeader({ kind: 'lane-invitation', run, generation, rank, ...position, length });
}
