/** The address that workers join, as messages. Frames that are no message, and connections that are refused, never end anything. */
import { type CoordinatorMessage, encodeMessage, type WorkerMessage } from '@lockstep/protocol';
import { createControlServer, type Refusal, type ServerKeys } from '@lockstep/transport';
import { createOffenceCounter, readInbound } from './inbound.ts';

export interface ServerOptions {
  /** `tcp://host:port`; port 0 takes a free port. */
  readonly bind: string;
  /** Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys | undefined;
  /** A connection was refused. Called for the 1st, 2nd, 4th, 8th, … refusal of one sender for one reason. */
  readonly onRefused: (refusal: Refusal, count: number) => void;
}

/** What a server passes on of its workers. */
export interface ServerListeners {
  /** `frames`: the raw frames that follow the message. */
  readonly onMessage: (worker: string, message: WorkerMessage, frames: readonly Uint8Array[]) => void;
  /** A piece of a long message arrived. */
  readonly onPiece: (worker: string) => void;
  readonly onDisconnect: (worker: string) => void;
  /** Called for bad frames of one sender as `onRefused` is for refusals. */
  readonly onBadFrame: (worker: string, reason: string, count: number) => void;
}

export interface Server {
  /** Where workers join, with the real port. */
  readonly endpoint: string;
  /** Called once, when workers can be answered. Messages that arrived before come first. */
  receive(listeners: ServerListeners): void;
  /** Throws `protocol` for a message that is too long. */
  send(worker: string, message: CoordinatorMessage, frames?: readonly Uint8Array[]): void;
  /** Sends an encoded message with its raw frames. */
  pass(worker: string, parts: readonly Uint8Array[]): void;
  /** Resolves when the address is free again. */
  close(): Promise<void>;
}

/** Throws `address` or `credentials`. */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { bind, keys, onRefused } = options;
  const offence = createOffenceCounter();
  const server = await createControlServer({
    bind,
    ...(keys && { keys }),
    onRefused(refusal) {
      const { count, log } = offence(`${refusal.address ?? ''} ${refusal.reason}`);
      if (log) onRefused(refusal, count);
    },
  });
  return {
    endpoint: server.endpoint,
    receive: ({ onMessage, onPiece, onDisconnect, onBadFrame }) =>
      server.receive({
        onPiece,
        onDisconnect,
        onMessage(worker, parts) {
          const inbound = readInbound(parts);
          if (!('reason' in inbound)) return onMessage(worker, inbound.message, inbound.frames);
          const { count, log } = offence(worker);
          if (log) onBadFrame(worker, inbound.reason, count);
        },
      }),
    send: (worker, message, frames = []) => server.send(worker, [encodeMessage(message), ...frames]),
    pass: (worker, parts) => server.send(worker, parts),
    close: () => server.close(),
  };
}

/** As people read it. */
export const describeRefusal = ({ reason, address }: Refusal): string =>
  address === undefined ? reason : `${address}: ${reason}`;
