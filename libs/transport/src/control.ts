import type { LockstepError } from '@lockstep/errors';
import { type ConnectedDealer, openDealer } from './dealer.ts';
import type { ClientKeys, ServerKeys } from './keys.ts';
import { bindRouter } from './router.ts';
import { copyFrames, type Frames } from './socket.ts';
import type { Refusal } from './zap.ts';

/** Messages, not bytes. Control messages are small and few. */
const highWaterMark = 1_000;
const maxFrameBytes = 16 << 20;

export interface ControlServerOptions {
  /** `tcp://host:port` (port 0 takes a free one) or `ipc:///path`. */
  readonly bind: string;
  /** Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys;
  readonly onMessage: (identity: string, frames: Buffer[]) => void;
  /** The client's connection ended; it may come back. */
  readonly onDisconnect?: (identity: string) => void;
  /** Someone without the right keys tried to connect. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface ControlServer {
  /** Where it listens, with the real port. */
  readonly endpoint: string;
  /** Queues a copy. A message to a client that is gone is dropped. */
  send(identity: string, frames: Frames): void;
  /** Resolves when the address is free again. */
  close(): Promise<void>;
}

/** The coordinator's end of the control plane. Throws `address` or `credentials`. */
export async function createControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const { onMessage, onDisconnect } = options;
  const router = await bindRouter(
    { ...options, highWaterMark, maxFrameBytes },
    { message: onMessage, disconnect: (identity) => onDisconnect?.(identity) },
  );
  return { ...router, send: (identity, frames) => router.send(identity, copyFrames(frames)) };
}

export interface ControlClientOptions {
  readonly connect: string;
  /** 1 to 64 visible ASCII characters, unique in the cluster. */
  readonly identity: string;
  readonly keys?: ClientKeys;
  /** How long to wait for the first connection. Default 5,000. */
  readonly connectTimeoutMs?: number;
  readonly onMessage: (frames: Buffer[]) => void;
  /** The connection ended (`lost`), or a new one was refused (`credentials`). Reconnecting goes on. */
  readonly onDisconnect?: (error: LockstepError) => void;
  /** Connected again after a loss. The server may be another process: introduce yourself anew. */
  readonly onReconnect?: () => void;
}

export interface ControlClient {
  /** Queues a copy. False: not connected, the message is dropped. */
  send(frames: Frames): boolean;
  close(): Promise<void>;
}

/** A worker's end of the control plane, connected. Throws `address` when nobody answers, `credentials` when refused. */
export async function createControlClient(options: ControlClientOptions): Promise<ControlClient> {
  let established = false;
  let dealer: ConnectedDealer | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      dealer = openDealer(
        { ...options, connectTimeoutMs: options.connectTimeoutMs ?? 5_000, highWaterMark },
        {
          message: options.onMessage,
          connected: () => {
            if (established) options.onReconnect?.();
            established = true;
            resolve();
          },
          disconnected: (error) => (established ? options.onDisconnect?.(error) : reject(error)),
        },
      );
    });
  } catch (error) {
    await dealer?.close();
    throw error;
  }
  const { send, close } = dealer!;
  return { send: (frames) => send(copyFrames(frames)), close };
}
