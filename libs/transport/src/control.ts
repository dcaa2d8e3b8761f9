import { LockstepError } from '@lockstep/errors';
import { type ConnectedDealer, openDealer } from './dealer.ts';
import type { ClientKeys, ServerKeys } from './keys.ts';
import { type Assembler, createAssembler, inPieces } from './pieces.ts';
import { bindRouter } from './router.ts';
import { copyFrames, type Frames } from './socket.ts';
import type { Refusal } from './zap.ts';

/** In messages: room for the pieces of two long messages. */
const highWaterMark = 10_000;
const maxFrameBytes = 16 << 20;

export interface ControlServerOptions {
  /** `tcp://host:port` (port 0 takes a free one) or `ipc:///path`. */
  readonly bind: string;
  /** Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys;
  /** A process without the right keys tried to connect. */
  readonly onRefused?: (refusal: Refusal) => void;
}

/** What a server passes on of its clients. */
export interface ControlListeners {
  readonly onMessage: (identity: string, frames: Buffer[]) => void;
  /** A piece of a long message arrived. */
  readonly onPiece?: (identity: string) => void;
  /** The client's connection ended; the client may return. */
  readonly onDisconnect?: (identity: string) => void;
}

export interface ControlServer {
  /** The address it listens on, with the actual port. */
  readonly endpoint: string;
  /**
   * Called once, when messages can be answered: clients that wait for the address connect before the caller of `createControlServer`
   * knows that it is bound. Messages that arrived before come first.
   */
  receive(listeners: ControlListeners): void;
  /** Queues a copy. Drops a message to a client that is gone. */
  send(identity: string, frames: Frames): void;
  /** Resolves when the address is free again. */
  close(): Promise<void>;
}

/** The coordinator's end of the control plane. Throws `address` or `credentials`. */
export async function createControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const assemblers = new Map<string, Assembler>();
  const assemblerOf = (identity: string): Assembler => {
    const assembler = assemblers.get(identity) ?? createAssembler();
    assemblers.set(identity, assembler);
    return assembler;
  };
  const router = await bindRouter({ ...options, highWaterMark, maxFrameBytes });
  return {
    endpoint: router.endpoint,
    receive: ({ onMessage, onPiece, onDisconnect }) =>
      router.receive({
        message(identity, frames) {
          const taken = assemblerOf(identity).take(frames);
          if (taken === 'piece') onPiece?.(identity);
          else if (taken !== undefined) onMessage(identity, taken);
        },
        disconnect(identity) {
          assemblers.delete(identity);
          onDisconnect?.(identity);
        },
      }),
    send: (identity, frames) => {
      for (const piece of inPieces(frames)) router.send(identity, copyFrames(piece));
    },
    close: () => router.close(),
  };
}

export interface ControlClientOptions {
  readonly connect: string;
  /** 1 to 64 visible ASCII characters, unique in the cluster. */
  readonly identity: string;
  readonly keys?: ClientKeys;
  /** How long to wait for the first connection. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** The server may not run yet: until the time-out, another program that accepts its connections is no refusal. */
  readonly waits?: boolean;
  /** Ends the wait for the first connection. */
  readonly signal?: AbortSignal;
  /** A piece of a long message arrived, or the server accepts connections without answering yet: it lives. */
  readonly onSignOfLife?: () => void;
  readonly onMessage: (frames: Buffer[]) => void;
  /** The connection ended (`lost`), or the server refused a new one (`credentials`). The client continues to reconnect. */
  readonly onDisconnect?: (error: LockstepError) => void;
  /** Connected again after a loss. The server may be another process, so the client must introduce itself again. */
  readonly onReconnect?: () => void;
}

export interface ControlClient {
  /** Queues a copy. False: not connected, the message is dropped. */
  send(frames: Frames): boolean;
  close(): Promise<void>;
}

/**
 * A worker's end of the control plane, once it is connected. Throws `address` if nobody answers, `credentials` if the server
 * refuses, and `lost` if `signal` ends the wait.
 */
export async function createControlClient(options: ControlClientOptions): Promise<ControlClient> {
  const { onSignOfLife, onMessage, signal } = options;
  const assembler = createAssembler();
  let established = false;
  let dealer: ConnectedDealer | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => reject(new LockstepError('lost', 'told to leave before it was connected'));
      if (signal?.aborted) return giveUp();
      signal?.addEventListener('abort', giveUp, { once: true });
      dealer = openDealer(
        { ...options, connectTimeoutMs: options.connectTimeoutMs ?? 5_000, highWaterMark },
        {
          message: (frames) => {
            const taken = assembler.take(frames);
            if (taken === 'piece') onSignOfLife?.();
            else if (taken !== undefined) onMessage(taken);
          },
          pending: () => onSignOfLife?.(),
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
  return {
    send: (frames) => inPieces(frames).every((piece) => send(copyFrames(piece))),
    close,
  };
}
