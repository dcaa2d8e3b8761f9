import { LockstepError } from '@lockstep/errors';
import { Dealer } from 'zeromq';
import { type ConnectionEvents, trackConnection } from './connection.ts';
import { isIPv6 } from './endpoint.ts';
import { type KeyPair, requireKeysUnlessLoopback } from './keys.ts';
import { requireMainThread } from './router.ts';
import { commonOptions, createSender, type Frames, receiveAll, watch } from './socket.ts';

export interface DealOptions {
  readonly connect: string;
  /** Names this process to the peer: 1 to 64 visible ASCII characters. */
  readonly identity: string;
  readonly keys?: KeyPair & { readonly serverKey: string };
  /** Counts the time in which this process runs. */
  readonly connectTimeoutMs: number;
  /** The peer may not run yet: another program that accepts its connections is no refusal. */
  readonly waits?: boolean;
  readonly highWaterMark: number;
  /** Default: that of `commonOptions`. */
  readonly heartbeatTimeoutMs?: number;
}

export interface DealerEvents extends ConnectionEvents {
  message(frames: Buffer[]): void;
}

export interface ConnectedDealer {
  /** Queues a message whose bytes are never written again. False: the connection is down, the message is dropped. */
  send(frames: Frames): boolean;
  close(): Promise<void>;
}

/** A connecting socket. ZeroMQ tries to reconnect until it is closed. Throws `argument`, `address` or `credentials`. */
export function openDealer(options: DealOptions, events: DealerEvents): ConnectedDealer {
  const { connect, keys } = options;
  requireIdentity(options.identity);
  requireKeysUnlessLoopback(connect, keys);
  requireMainThread();
  const dealer = createDealer(options);
  const sender = createSender(dealer);
  const connection = trackConnection(
    { ...options, hasKeys: keys !== undefined },
    {
      connected: () => events.connected(),
      pending: () => events.pending?.(),
      disconnected(error) {
        sender.clear();
        events.disconnected(error);
      },
    },
  );
  const watching = watch(dealer, connection.onEvent);
  const receiving = receiveAll(dealer, events.message);
  dealer.connect(connect);
  return {
    send: (frames) => {
      if (!connection.isOpen) return false;
      sender.send([...frames]);
      return true;
    },
    close: async () => {
      connection.close();
      sender.clear();
      dealer.close();
      await Promise.all([watching, receiving]);
    },
  };
}

function createDealer({ connect, identity, keys, highWaterMark, heartbeatTimeoutMs }: DealOptions): Dealer {
  return new Dealer({
    ...commonOptions,
    ...(heartbeatTimeoutMs && { heartbeatTimeout: heartbeatTimeoutMs }),
    ipv6: isIPv6(connect),
    routingId: identity,
    // Messages wait for a connection in our own queue, not in a queue that outlives the connection.
    immediate: true,
    reconnectInterval: 50,
    reconnectMaxInterval: 1_000,
    sendHighWaterMark: highWaterMark,
    receiveHighWaterMark: highWaterMark,
    ...(keys && {
      curveServerKey: keys.serverKey,
      curvePublicKey: keys.publicKey,
      curveSecretKey: keys.secretKey,
    }),
  });
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
