import { isMainThread } from 'node:worker_threads';
import { LockstepError } from '@lockstep/errors';
import { Context, type Event, Router, type SocketOptions } from 'zeromq';
import { bindError, isIPv6, parseEndpoint } from './endpoint.ts';
import { requireKeysUnlessLoopback, type ServerKeys } from './keys.ts';
import { commonOptions, createSender, type Frames, receiveAll, watch } from './socket.ts';
import { admitOnly, type Refusal } from './zap.ts';

export interface ListenOptions {
  /** `tcp://host:port` (port 0 takes a free one) or `ipc:///path`. */
  readonly bind: string;
  /** Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys;
  readonly onRefused?: (refusal: Refusal) => void;
  /** The connection of a peer that sends a larger frame is closed. */
  readonly maxFrameBytes: number;
  readonly highWaterMark: number;
  /** Default: that of `commonOptions`. */
  readonly heartbeatTimeoutMs?: number;
}

export interface RouterEvents {
  message(identity: string, frames: Buffer[]): void;
  disconnect(identity: string): void;
}

export interface BoundRouter {
  readonly endpoint: string;
  /** Called once: passes on what has arrived since the address was bound, and from then on what arrives. */
  receive(events: RouterEvents): void;
  send(identity: string, frames: Frames): void;
  /** Resolves when the address is free again. */
  close(): Promise<void>;
}

/** `ZMQ_ROUTER_NOTIFY`, which zeromq.js does not name, and its value for "report when a peer disconnects". */
const routerNotify = { option: 97, onDisconnect: 2 } as const;

/** A router that receives `[identity, empty]` when a peer's connection ends. */
class NotifyingRouter extends Router {
  constructor(options: SocketOptions<Router>) {
    super(options);
    this.setInt32Option(routerNotify.option, routerNotify.onDisconnect);
  }
}

/**
 * Contexts that still have sockets. zeromq shuts a context down once nothing references it, and a closed socket's last
 * event then never arrives.
 */
const contexts = new Set<Context>();

/** A listening socket. Peers may connect as soon as it is bound, and wait for `receive`. Throws `address` or `credentials`. */
export async function bindRouter(options: ListenOptions): Promise<BoundRouter> {
  const { bind, keys, onRefused } = options;
  parseEndpoint(bind);
  requireKeysUnlessLoopback(bind, keys);
  requireMainThread();
  // With keys, the router has a context of its own, because a context has one authenticator.
  const context = keys === undefined ? undefined : new Context({ blocky: false });
  if (context !== undefined) contexts.add(context);
  const stopGuard =
    keys && context
      ? await admitOnly(context, keys, (refusal) => onRefused?.({ endpoint: bind, ...refusal }))
      : undefined;
  const router = new NotifyingRouter({
    ...commonOptions,
    ...(options.heartbeatTimeoutMs && { heartbeatTimeout: options.heartbeatTimeoutMs }),
    ipv6: isIPv6(bind),
    // A returning worker is admitted at once, even before its old connection has timed out.
    handover: true,
    maxMessageSize: options.maxFrameBytes,
    receiveHighWaterMark: options.highWaterMark,
    // A router drops messages above its mark. The heartbeat bounds the queue instead: a peer that does not read is lost.
    sendHighWaterMark: 0,
    handshakeInterval: 5_000,
    ...(context && { context }),
    ...(keys && { curveServer: true, curveSecretKey: keys.secretKey, zapDomain: 'lockstep' }),
  });
  const watching = watch(router, (event) => {
    const reason = handshakeFailure(event);
    if (reason !== undefined) onRefused?.({ endpoint: bind, reason });
  });
  const ended = async (...others: Promise<void>[]): Promise<void> => {
    await Promise.all([watching, stopGuard?.(), ...others]);
    if (context !== undefined) contexts.delete(context);
  };
  try {
    await router.bind(bind);
  } catch (cause) {
    router.close();
    await ended();
    throw bindError(bind, cause);
  }
  let receiving: Promise<void> | undefined;
  const sender = createSender(router);
  return {
    endpoint: router.lastEndpoint ?? bind,
    receive(events) {
      receiving = receiveAll(router, ([identity, ...frames]) => {
        if (frames.length === 1 && frames[0]!.length === 0) events.disconnect(identity!.toString('latin1'));
        else events.message(identity!.toString('latin1'), frames);
      });
    },
    send: (identity, frames) => sender.send([Buffer.from(identity, 'latin1'), ...frames]),
    close: async () => {
      sender.clear();
      router.close();
      await ended(receiving ?? Promise.resolve());
    },
  };
}

/** Why a handshake failed, unless the allow-list has already reported it. */
function handshakeFailure(event: Event): string | undefined {
  switch (event.type) {
    case 'handshake:error:protocol':
      return event.error.code === 'ERR_ZMTP_MECHANISM_MISMATCH'
        ? 'the handshake failed: only one side has keys'
        : `the handshake failed: ${event.error.code}`;
    case 'handshake:error:other':
      return 'the handshake failed: the other side hung up';
    default:
      return undefined;
  }
}

/** A thread that ends with a pending receive aborts the whole process, so only the main thread opens sockets. */
export function requireMainThread(): void {
  if (!isMainThread) {
    throw new LockstepError(
      'internal',
      'a socket was opened in a worker thread; open it on the main thread',
      {},
    );
  }
}
