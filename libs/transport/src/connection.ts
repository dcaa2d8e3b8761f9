/** The state of one connecting socket, which its events and timers change. */
import { LockstepError } from '@lockstep/errors';
import type { Event } from 'zeromq';
import { afterRunning } from './running-time.ts';
import { speaksZeroMQ } from './speaks.ts';

export interface ConnectionOptions {
  readonly connect: string;
  readonly hasKeys: boolean;
  /** Counts the time in which this process runs. */
  readonly connectTimeoutMs: number;
  /** The peer may not run yet: another program that accepts its connections is no refusal. */
  readonly waits?: boolean;
}

export interface ConnectionEvents {
  connected(): void;
  /** No connection in time (`address`), a refusal (`credentials`), or the end of the connection (`lost`). */
  disconnected(error: LockstepError): void;
  /** A connection waits for an answer: the process that listens there lives, though it may be suspended. */
  pending?(): void;
}

export interface Connection {
  /** Whether messages may be queued: the connection exists or its first attempt is not over. */
  readonly isOpen: boolean;
  onEvent(event: Event): void;
  /** Ends all timers and calls. */
  close(): void;
}

const maxBrokenHandshakes = 3;
/** A refusal breaks a handshake at once. A handshake that breaks later was with a suspended process. */
const refusalMs = 5_000;
const pendingMs = 5_000;

type State = 'connecting' | 'connected' | 'down' | 'closed';

export function trackConnection(options: ConnectionOptions, events: ConnectionEvents): Connection {
  const { connect, connectTimeoutMs } = options;
  let state: State = 'connecting';
  let numBrokenHandshakes = 0;
  let connectedAt = 0;
  let stopPending = (): void => {};

  const down = (error: LockstepError): void => {
    if (state === 'closed') return;
    state = 'down';
    stopTimer();
    events.disconnected(error);
  };
  const stopTimer = afterRunning(connectTimeoutMs, () => down(unreachable(connect, connectTimeoutMs)));
  const reportPending = (): void => {
    stopPending = afterRunning(pendingMs, () => {
      events.pending?.();
      reportPending();
    });
  };
  /** A peer hangs up if it does not know our keys, demands keys, or crashes. A crashed peer does not hang up again and again. */
  const handshakeBroke = async (): Promise<void> => {
    if (performance.now() - connectedAt > refusalMs) return;
    if (++numBrokenHandshakes !== maxBrokenHandshakes) return;
    if (options.waits !== true || state !== 'connecting' || (await speaksZeroMQ(connect))) {
      down(refused(options));
    } else numBrokenHandshakes = 0;
  };
  const onEvent = (event: Event) => {
    if (event.type === 'disconnect' || event.type.startsWith('handshake')) stopPending();
    switch (event.type) {
      case 'connect':
        connectedAt = performance.now();
        return reportPending();
      case 'handshake':
        stopTimer();
        state = 'connected';
        numBrokenHandshakes = 0;
        return events.connected();
      case 'handshake:error:auth':
      case 'handshake:error:protocol':
        return down(refused(options));
      case 'handshake:error:other':
        return void handshakeBroke();
      case 'disconnect':
        if (state === 'connected') down(ended(connect));
        return;
    }
  };
  return {
    get isOpen() {
      return state === 'connecting' || state === 'connected';
    },
    onEvent,
    close() {
      state = 'closed';
      stopTimer();
      stopPending();
    },
  };
}

function unreachable(endpoint: string, timeoutMs: number): LockstepError {
  return new LockstepError(
    'address',
    `nothing answers at ${endpoint} within ${timeoutMs} ms; is it running, and is the address right?`,
    { endpoint, timeoutMs },
  );
}

function refused({ connect: endpoint, hasKeys }: ConnectionOptions): LockstepError {
  const remedy = hasKeys
    ? 'its server key differs from ours, our key is not in its allow-list, or it uses no keys; give both sides the same `lockstep keys` folder'
    : 'it demands keys, or is not a Lockstep process; give both sides the same `lockstep keys` folder';
  return new LockstepError('credentials', `${endpoint} refused the handshake: ${remedy}`, { endpoint });
}

function ended(endpoint: string): LockstepError {
  return new LockstepError('lost', `the connection to ${endpoint} ended`, { endpoint });
}
