/** The connection to the coordinator, as messages. */
import { toWireError } from '@lockstep/errors';
import {
  decodeCoordinatorMessage,
  encodeMessage,
  framesMatch,
  type WorkerEvent,
  type WorkerMessage,
} from '@lockstep/protocol';
import { type ControlClient, type ControlClientOptions, createControlClient } from '@lockstep/transport';
import type { Logger } from 'pino';
import type { Welcome } from './worker-process.ts';

export interface CoordinatorLink extends Pick<ControlClient, 'close'> {
  send(message: WorkerMessage, frames?: readonly Uint8Array[]): void;
  /** The raw frames that came with the latest message. */
  rawFrames(): readonly Uint8Array[];
  /** The latest welcome. */
  welcome(): Welcome | undefined;
}

export interface CoordinatorLinkOptions
  extends Omit<ControlClientOptions, 'onMessage' | 'onSignOfLife' | 'onDisconnect' | 'onReconnect'> {
  readonly log: Logger;
  /** Called with every message, and with what else the connection tells. */
  raise(event: WorkerEvent): void;
}

export async function connectCoordinator(options: CoordinatorLinkOptions): Promise<CoordinatorLink> {
  const { log, raise } = options;
  let numBadMessages = 0;
  let rawFrames: readonly Uint8Array[] = [];
  let welcome: Welcome | undefined;
  const control = await createControlClient({
    ...options,
    onSignOfLife: () => raise({ type: 'heard' }),
    onMessage: ([head, ...frames]) => {
      const decoded = decodeCoordinatorMessage(head ?? new Uint8Array(0));
      const announced = decoded.ok && 'frames' in decoded.message ? decoded.message.frames : [];
      if (!decoded.ok || !framesMatch(announced, frames)) {
        numBadMessages++;
        const reason = decoded.ok ? 'raw frames do not match' : decoded.reason;
        return log.warn({ badFrames: numBadMessages, reason }, 'dropped a message');
      }
      rawFrames = frames;
      if (decoded.message.type === 'welcome') welcome = decoded.message;
      raise({ type: 'message', message: decoded.message });
    },
    onDisconnect: (error) => log.warn({ error: toWireError(error) }, 'connection to the coordinator lost'),
    onReconnect: () => raise({ type: 'reconnected' }),
  });
  return {
    send(message, frames = []) {
      if (!control.send([encodeMessage(message), ...frames]))
        log.debug({ type: message.type }, 'message not sent');
    },
    rawFrames: () => rawFrames,
    welcome: () => welcome,
    close: () => control.close(),
  };
}
