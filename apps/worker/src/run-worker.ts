/**
 * A worker: the shell around the protocol's machine. This thread owns the sockets and never computes, so it answers
 * in milliseconds whatever the compute threads do.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { LockstepError, toWireError } from '@lockstep/errors';
import { offeredProfiles } from '@lockstep/kernels';
import {
  advanceWorker,
  COORDINATOR_TIMEOUT_MS,
  createWorker,
  decodeCoordinatorMessage,
  type Exit,
  encodeMessage,
  framesMatch,
  HELLO_RETRY_MS,
  PROTOCOL_VERSION,
  TICK_MS,
  type WorkerEvent,
  type WorkerMessage,
} from '@lockstep/protocol';
import {
  advertisedEndpoint,
  type ClientKeys,
  createControlClient,
  createMesh,
  isLoopback,
  localAddressTowards,
  parseEndpoint,
} from '@lockstep/transport';
import type { Logger } from 'pino';
import { buildHash } from './build-hash.ts';
import { createCompiler } from './compiler/compiler.ts';
import { createPool } from './compute/pool.ts';
import { createEffects, type Welcome } from './effects.ts';
import type { WorkerHooks } from './hooks.ts';
import { Absent, createReaching, DEFAULT_WAIT_S } from './reach.ts';
import type { Threads } from './threads.ts';
import { createTracer } from './tracer.ts';
import { version } from './version.ts';

export { readClientKeys } from '@lockstep/transport';

export interface WorkerOptions {
  /** The coordinator: `tcp://host:port`. */
  readonly join: string;
  readonly threads: number;
  readonly keys?: ClientKeys;
  /** Where this worker listens for its peers. Default: a free port of the address that reaches the coordinator. */
  readonly bind?: string;
  /** The host that peers should use to reach it, where that is not the one it binds. */
  readonly advertise?: string;
  readonly log: Logger;
  /** How long to wait for a coordinator that is not there yet; 0 tries once. Default 300,000. */
  readonly waitMs?: number;
  /** Called once, with a sentence, when the coordinator is not there at once. */
  readonly onWaiting?: (message: string) => void;
  /** Ends the worker; the coordinator is told. */
  readonly signal?: AbortSignal;
  /** For tests: faults between the parts. */
  readonly hooks?: WorkerHooks;
}

/** Runs a worker on threads that have been started, and ends them with it. */
export async function work(options: WorkerOptions, threads: Threads): Promise<Exit> {
  const opened: { close(): Promise<void> }[] = [];
  // Whatever happens, no thread, timer or socket outlives the worker: each would keep the process alive.
  try {
    const exit = await open(options, threads, (resource) => {
      opened.push(resource);
      return resource;
    }).catch((error: unknown): Exit => {
      if (options.signal?.aborted && isLost(error)) return { type: 'exit', reason: 'left' };
      if (error instanceof Absent) {
        return { type: 'exit', reason: 'coordinatorAbsent', message: error.message };
      }
      throw error;
    });
    options.log.info({ exit }, 'stopped');
    return exit;
  } finally {
    await Promise.all(opened.map((resource) => resource.close()));
  }
}

const isLost = (error: unknown): boolean => error instanceof LockstepError && error.code === 'lost';

type Keep = <Resource extends { close(): Promise<void> }>(resource: Resource) => Resource;

async function open(
  options: WorkerOptions,
  { compute, compiler: started }: Threads,
  keep: Keep,
): Promise<Exit> {
  const { log, keys, threads, signal, hooks = {}, join } = options;
  const { waitMs = 1_000 * DEFAULT_WAIT_S, onWaiting = (message) => log.info(message) } = options;
  // A mistake in the address is none that time mends.
  parseEndpoint(join);
  const reaching = createReaching({ endpoint: join, waitMs, signal, onWaiting });
  keep({ close: async () => reaching.end() });
  const worker = randomUUID();
  const identified = keys === undefined ? {} : { keys };
  const tracer = createTracer();
  const pool = keep(
    createPool(compute, {
      onRan: tracer.ran,
      onDropped: (dropped) => log.warn({ ...dropped }, 'dropped a frame'),
    }),
  );
  const compiler = keep(createCompiler(started));
  let raise: (event: WorkerEvent) => void = () => {};
  let onFrames: (peer: string, frames: Buffer[]) => void = () => {};
  let onPeerLost: (peer: string, error: LockstepError) => void = () => {};

  const mesh = keep(
    await (hooks.createMesh ?? createMesh)({
      identity: worker,
      bind: await reaching.attempt(() => bindAddress(options)),
      ...identified,
      onMessage: (peer, frames) => onFrames(peer, frames),
      onPeerLost: (peer, error) => onPeerLost(peer, error),
      onRefused: (refusal) => log.warn({ refusal }, 'refused a peer'),
    }),
  );
  // A mistake in what others are to be told is none that time mends either.
  const tell = () => peerEndpoint(mesh.endpoint, options);
  const endpoint = await (options.advertise === undefined ? reaching.attempt(tell) : tell());
  let badFrames = 0;
  let rawFrames: readonly Uint8Array[] = [];
  let welcome: Welcome | undefined;
  const connect = (connectTimeoutMs: number) =>
    createControlClient({
      ...{ connect: join, identity: worker, connectTimeoutMs, waits: waitMs > 0, ...identified },
      ...(signal && { signal }),
      onSignOfLife: () => raise({ type: 'heard' }),
      onMessage: ([head, ...frames]) => {
        const decoded = decodeCoordinatorMessage(head ?? new Uint8Array(0));
        const announced = decoded.ok && 'frames' in decoded.message ? decoded.message.frames : [];
        if (!decoded.ok || !framesMatch(announced, frames)) {
          badFrames++;
          log.warn(
            { badFrames, reason: decoded.ok ? 'raw frames do not match' : decoded.reason },
            'dropped a message',
          );
          return;
        }
        rawFrames = frames;
        if (decoded.message.type === 'welcome') welcome = decoded.message;
        raise({ type: 'message', message: decoded.message });
      },
      onDisconnect: (error) => log.warn({ error: toWireError(error) }, 'connection to the coordinator lost'),
      onReconnect: () => raise({ type: 'reconnected' }),
    });
  const control = keep(await reaching.attempt(connect));
  reaching.end();
  const send = (message: WorkerMessage, frames: readonly Uint8Array[] = []): void => {
    if (!control.send([encodeMessage(message), ...frames]))
      log.debug({ type: message.type }, 'message not sent');
  };

  return new Promise<Exit>((resolve) => {
    const effects = createEffects({
      worker,
      compiler,
      pool,
      mesh,
      log,
      hooks,
      tracer,
      send,
      rawFrames: () => rawFrames,
      welcome: () => welcome,
      raise: (event) => raise(event),
      exit: resolve,
    });
    onFrames = effects.onFrames;
    onPeerLost = effects.onPeerLost;
    const now = (): number => performance.now();
    const hello = {
      type: 'hello',
      protocol: PROTOCOL_VERSION,
      worker,
      threads,
      profiles: offeredProfiles(),
      endpoint,
      host: hostname(),
      pid: process.pid,
      version,
      build: buildHash(),
      nodeVersion: process.version,
    } as const;
    const start = createWorker(
      { hello, helloRetryMs: HELLO_RETRY_MS, coordinatorTimeoutMs: COORDINATOR_TIMEOUT_MS },
      now(),
    );
    let { state } = start;
    const queue: WorkerEvent[] = [];
    let busy = false;
    // Effects may raise events at once; they wait until the effects before them are carried out.
    raise = (event) => {
      queue.push(event);
      if (busy) return;
      busy = true;
      try {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const advanced = advanceWorker(state, next, now());
          state = advanced.state;
          for (const effect of advanced.effects) effects.carryOut(effect);
        }
      } finally {
        // What an effect throws must reach the coordinator as a failure, and a stop must still be heard after it.
        busy = false;
      }
    };
    for (const effect of start.effects) effects.carryOut(effect);
    const ticking = setInterval(() => raise({ type: 'tick' }), TICK_MS);
    keep({ close: async () => clearInterval(ticking) });
    const leave = (): void => raise({ type: 'leave' });
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });
}

/** The address to listen on: one that only this machine reaches, if the coordinator's is such a one. */
async function bindAddress({ join, bind }: WorkerOptions): Promise<string> {
  if (bind !== undefined) return bind;
  const target = parseEndpoint(join);
  if (isLoopback(join) || target.transport === 'ipc') return 'tcp://127.0.0.1:0';
  return `tcp://${await localAddressTowards(target.host)}:0`;
}

/** Where peers find us: the host we are told to name, or the address that reaches the coordinator. */
async function peerEndpoint(bound: string, { join, advertise }: WorkerOptions): Promise<string> {
  const own = parseEndpoint(bound);
  const target = parseEndpoint(join);
  if (advertise !== undefined && own.transport === 'tcp') {
    const endpoint = `tcp://${advertise}:${own.port}`;
    // A mistake in it is ours, and must not come up in the peers that are told to connect to it.
    parseEndpoint(endpoint);
    return endpoint;
  }
  return target.transport === 'tcp' ? advertisedEndpoint(bound, target.host) : bound;
}
