import { LockstepError } from '@lockstep/errors';
import { type ConnectedDealer, openDealer, requireIdentity } from './dealer.ts';
import type { ServerKeys } from './keys.ts';
import { bindRouter } from './router.ts';
import { copyFrames, type Frames } from './socket.ts';
import type { Refusal } from './zap.ts';

export interface MeshOptions {
  /** Names this process to its peers: 1 to 64 visible ASCII characters. */
  readonly identity: string;
  /** `tcp://host:port` (port 0 takes a free one) or `ipc:///path`. */
  readonly bind: string;
  /** Our own pair and the keys that may connect. Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys;
  readonly onMessage: (peerId: string, frames: Buffer[]) => void;
  /** A peer could not be reached (`address`), refused us (`credentials`) or is gone (`lost`). It stays lost until `connect`. */
  readonly onPeerLost: (peerId: string, error: LockstepError) => void;
  /** A process without the right keys tried to connect. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** How long a new peer may take to answer. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * A peer is lost if no complete frame arrives from it for this long. A chunk of 1 MiB takes seconds on a slow line. The
   * control plane finds a vanished host sooner. Default 5,000.
   */
  readonly heartbeatTimeoutMs?: number;
  /** The connection of a peer that sends a larger frame is closed. Default 64 MiB. */
  readonly maxFrameBytes?: number;
}

export interface Mesh {
  /** The address it listens on, with the actual port. */
  readonly endpoint: string;
  /**
   * Opens the direction from us to a peer; messages may be sent at once.
   * `publicKey` is the peer's; by default peers share our pair. Throws `address`, or `credentials` if keys are needed and missing.
   */
  connect(peerId: string, endpoint: string, publicKey?: string): void;
  disconnect(peerId: string): void;
  /** Queues a copy; messages to one peer keep their order. False: the peer is not connected, the message is dropped. */
  send(peerId: string, frames: Frames): boolean;
  /** Like `send`, without the copy. The bytes may be read at any later time: never write to them again. */
  sendOwned(peerId: string, frames: Frames): boolean;
  /** Resolves when the address is free again. */
  close(): Promise<void>;
}

/**
 * In messages: 256 chunks of 1 MiB for each peer. A receiver that falls this far behind answers no heartbeat either,
 * because its network thread stops reading. It is then lost.
 */
const highWaterMark = 256;

/**
 * The data plane: one listening socket, and one sending socket per peer, so that a slow peer delays no other.
 * Throws `argument`, `address` or `credentials`.
 */
export async function createMesh(options: MeshOptions): Promise<Mesh> {
  const {
    identity,
    keys,
    onMessage,
    onPeerLost,
    connectTimeoutMs = 5_000,
    heartbeatTimeoutMs = 5_000,
    maxFrameBytes = 64 << 20,
  } = options;
  requireIdentity(identity);
  const peers = new Map<string, ConnectedDealer>();
  const closing = new Set<Promise<void>>();
  const router = await bindRouter({ ...options, highWaterMark, maxFrameBytes, heartbeatTimeoutMs });
  // The socket that sends to a peer reports its loss, so the listening socket ignores disconnects.
  router.receive({ message: onMessage, disconnect: () => {} });

  const disconnect = (peerId: string) => {
    const closed = peers.get(peerId)?.close();
    if (closed === undefined) return;
    peers.delete(peerId);
    closing.add(closed);
    void closed.finally(() => closing.delete(closed));
  };
  const sendOwned = (peerId: string, frames: Frames) => peers.get(peerId)?.send(frames) ?? false;
  return {
    endpoint: router.endpoint,
    connect: (peerId, endpoint, publicKey) => {
      if (peers.has(peerId)) {
        throw new LockstepError('internal', `peer ${peerId} is connected already; disconnect it first`, {
          peerId,
        });
      }
      const dealer = openDealer(
        {
          connect: endpoint,
          identity,
          connectTimeoutMs,
          highWaterMark,
          heartbeatTimeoutMs,
          ...(keys && { keys: { ...keys, serverKey: publicKey ?? keys.publicKey } }),
        },
        {
          connected: () => {},
          message: () => {},
          disconnected: (error) => {
            disconnect(peerId);
            onPeerLost(peerId, error);
          },
        },
      );
      peers.set(peerId, dealer);
    },
    disconnect,
    send: (peerId, frames) => sendOwned(peerId, copyFrames(frames)),
    sendOwned,
    close: async () => {
      for (const peerId of [...peers.keys()]) disconnect(peerId);
      await Promise.all([...closing, router.close()]);
    },
  };
}
