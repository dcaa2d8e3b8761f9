import { LockstepError } from '@lockstep/errors';
import { Dealer, type Event } from 'zeromq';
import { isIPv6 } from './endpoint.ts';
import { type KeyPair, requireKeysUnlessLoopback } from './keys.ts';
import { requireMainThread } from './router.ts';
import { afterRunning } from './running-time.ts';
import { commonOptions, createSender, type Frames, receiveAll, watch } from './socket.ts';
import { speaksZeroMQ } from './speaks.ts';

export interface DealOptions {
  readonly connect: string;
  /** Who we are to the other side: 1 to 64 visible ASCII characters. */
  readonly identity: string;
  readonly keys?: KeyPair & { readonly serverKey: string };
  /** Of time in which this process runs. */
  readonly connectTimeoutMs: number;
  /** The other side may not be there yet: what takes connections in its place is no refusal. */
  readonly waits?: boolean;
  readonly highWaterMark: number;
  /** Default: of `commonOptions`. */
  readonly heartbeatTimeoutMs?: number;
}

export interface DealerEvents {
  connected(): void;
  /** Never connected (`address`), refused (`credentials`), or the connection ended (`lost`). */
  disconnected(error: LockstepError): void;
  message(frames: Buffer[]): void;
  /** A connection waits for an answer: whoever listens there is alive, though it may be held up. */
  pending?(): void;
}

export interface ConnectedDealer {
  /** Queues a message whose bytes are never written again. False: the connection is down, the message is dropped. */
  send(frames: Frames): boolean;
  close(): Promise<void>;
}

const maxBrokenHandshakes = 3;
/** A refusal breaks a handshake at once; one that lasts longer is with a process that is held up. */
const refusalMs = 5_000;
const pendingMs = 5_000;

type State = 'connecting' | 'connected' | 'down' | 'closed';

/** A connecting socket. ZeroMQ tries to reconnect until it is closed. Throws `argument`, `address` or `credentials`. */
export function openDealer(options: DealOptions, events: DealerEvents): ConnectedDealer {
  const { connect, keys } = options;
  requireIdentity(options.identity);
  requireKeysUnlessLoopback(connect, keys);
  requireMainThread();
  const dealer = new Dealer({
    ...commonOptions,
    ...(options.heartbeatTimeoutMs && { heartbeatTimeout: options.heartbeatTimeoutMs }),
    ipv6: isIPv6(connect),
    routingId: options.identity,
    // Messages wait for a connection in our queue, not in one that outlives the connection.
    immediate: true,
    reconnectInterval: 50,
    reconnectMaxInterval: 1_000,
    sendHighWaterMark: options.highWaterMark,
    receiveHighWaterMark: options.highWaterMark,
    ...(keys && {
      curveServerKey: keys.serverKey,
      curvePublicKey: keys.publicKey,
      curveSecretKey: keys.secretKey,
    }),
  });
  const sender = createSender(dealer);
  let state: State = 'connecting';
  let brokenHandshakes = 0;

  const down = (error: LockstepError) => {
    if (state === 'closed') return;
    state = 'down';
    stopTimer();
    sender.clear();
    events.disconnected(error);
  };
  const stopTimer = afterRunning(options.connectTimeoutMs, () =>
    down(unreachable(connect, options.connectTimeoutMs)),
  );
  let stopPending = (): void => {};
  let connectedAt = 0;
  const connectionPends = (): void => {
    stopPending = afterRunning(pendingMs, () => {
      events.pending?.();
      connectionPends();
    });
  };
  /** One that hangs up does not know our keys, wants some, or has just crashed: it answers no second time then. */
  const handshakeBroke = async (): Promise<void> => {
    if (performance.now() - connectedAt > refusalMs) return;
    if (++brokenHandshakes !== maxBrokenHandshakes) return;
    if (options.waits !== true || state !== 'connecting' || (await speaksZeroMQ(connect))) {
      down(refused(connect, keys !== undefined));
    } else brokenHandshakes = 0;
  };
  const onEvent = (event: Event) => {
    if (event.type === 'disconnect' || event.type.startsWith('handshake')) stopPending();
    switch (event.type) {
      case 'connect':
        connectedAt = performance.now();
        connectionPends();
        return;
      case 'handshake':
        stopTimer();
        state = 'connected';
        brokenHandshakes = 0;
        events.connected();
        return;
      case 'handshake:error:auth':
      case 'handshake:error:protocol':
        down(refused(connect, keys !== undefined));
        return;
      case 'handshake:error:other':
        void handshakeBroke();
        return;
      case 'disconnect':
        if (state === 'connected') {
          down(new LockstepError('lost', `the connection to ${connect} ended`, { endpoint: connect }));
        }
        return;
    }
  };
  const watching = watch(dealer, onEvent);
  const receiving = receiveAll(dealer, events.message);
  dealer.connect(connect);
  return {
    send: (frames) => {
      if (state === 'down' || state === 'closed') return false;
      sender.send([...frames]);
      return true;
    },
    close: async () => {
      state = 'closed';
      stopTimer();
      stopPending();
      sender.clear();
      dealer.close();
      await Promise.all([watching, receiving]);
    },
  };
}

/** Throws `argument` unless `identity` can name a peer. */
export function requireIdentity(identity: string): void {
  if (/^[\x21-\x7e]{1,64}$/.test(identity)) return;
  throw new LockstepError(
    'argument',
    `an identity is 1 to 64 visible ASCII characters, not ${JSON.stringify(identity)}`,
    { identity },
  );
}

function unreachable(endpoint: string, timeoutMs: number): LockstepError {
  return new LockstepError(
    'address',
    `nothing answers at ${endpoint} within ${timeoutMs} ms; is it running, and is the address right?`,
    { endpoint, timeoutMs },
  );
}

function refused(endpoint: string, haveKeys: boolean): LockstepError {
  const remedy = haveKeys
    ? 'its server key differs from ours, our key is not in its allow-list, or it uses no keys; give both sides the same `lockstep keys` folder'
    : 'it wants keys, or is not a Lockstep process; give both sides the same `lockstep keys` folder';
  return new LockstepError('credentials', `${endpoint} refused the handshake: ${remedy}`, { endpoint });
}
