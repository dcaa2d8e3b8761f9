/**
 * A worker: the shell around the protocol's machine. This thread owns the sockets and never computes, so it answers
 * in milliseconds whatever the compute threads do.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { LockstepError } from '@lockstep/errors';
import { offeredProfiles } from '@lockstep/kernels';
import {
  COORDINATOR_TIMEOUT_MS,
  type Exit,
  HELLO_RETRY_MS,
  type Hello,
  PROTOCOL_VERSION,
  TICK_MS,
  type WorkerEvent,
} from '@lockstep/protocol';
import { type ClientKeys, createMesh, type Mesh, parseEndpoint } from '@lockstep/transport';
import type { Logger } from 'pino';
import { type AddressOptions, bindAddress, peerEndpoint } from './addresses.ts';
import { buildHash } from './build-hash.ts';
import { createCompiler } from './compiler/compiler.ts';
import { createPool } from './compute/pool.ts';
import { type CoordinatorLink, connectCoordinator } from './coordinator-link.ts';
import { createEffects } from './effects.ts';
import { createEventLoop } from './event-loop.ts';
import type { WorkerHooks } from './hooks.ts';
import type { Inbound } from './network/inbound.ts';
import { createLanes } from './network/lanes.ts';
import { Absent, createReaching, DEFAULT_WAIT_S, type Reaching } from './reach.ts';
import type { Threads } from './threads.ts';
import { createTracer } from './tracer.ts';
import { version } from './version.ts';

export { readClientKeys } from '@lockstep/transport';

export interface WorkerOptions extends AddressOptions {
  readonly threads: number;
  readonly keys?: ClientKeys;
  readonly log: Logger;
  /** How long to wait for a coordinator that is not there yet; 0 tries once. Default 300,000. */
  readonly waitMs?: number;
  /** Called once, with a sentence, when the coordinator is not there at once. */
  readonly onWaiting?: (message: string) => void;
  /** Ends the worker; the coordinator is told. */
  readonly signal?: AbortSignal;
  /** For tests: faults between the parts. */
  readonly hooks?: WorkerHooks;
  /** For tests: a module whose default export makes hooks for the executors of compute threads, a `MakeExecutorHooks`. */
  readonly executorHooks?: URL;
}

/** Runs a worker on threads that have been started, and ends them with it. */
export async function work(options: WorkerOptions, threads: Threads): Promise<Exit> {
  const opened: { close(): Promise<void> }[] = [];
  // No thread, timer or socket outlives the worker, whatever happens: each would keep the process alive.
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

/** What sockets deliver to. Until the machine runs nothing is expected from them. */
interface Listeners extends Inbound {
  raise(event: WorkerEvent): void;
}

async function open(
  options: WorkerOptions,
  { compute, compiler: started }: Threads,
  keep: Keep,
): Promise<Exit> {
  const { log, signal, hooks = {} } = options;
  const worker = randomUUID();
  const tracer = createTracer();
  const listeners: Listeners = { onFrames() {}, onPeerLost() {}, raise() {} };
  const pool = createPool(compute, {
    onRan: tracer.ran,
    onDropped: (dropped) => log.warn({ ...dropped }, 'dropped a frame'),
  });
  keep(pool);
  const compiler = keep(createCompiler(started));
  const { mesh, endpoint, link } = await openSockets(options, worker, listeners, keep);

  return new Promise<Exit>((resolve) => {
    const raise = (event: WorkerEvent): void => loop.raise(event);
    const { send, rawFrames, welcome } = link;
    // A test that replaces the mesh also disables shared-memory lanes.
    const lanes = createLanes(mesh, hooks.createMesh === undefined);
    const effects = createEffects({
      ...{ worker, compiler, pool, mesh, lanes, log, hooks, tracer },
      ...{ send, rawFrames, welcome, raise, exit: resolve },
    });
    const loop = createEventLoop(
      {
        hello: helloOf(worker, options.threads, endpoint),
        helloRetryMs: HELLO_RETRY_MS,
        coordinatorTimeoutMs: COORDINATOR_TIMEOUT_MS,
      },
      effects.carryOut,
    );
    Object.assign(listeners, { raise, onFrames: effects.onFrames, onPeerLost: effects.onPeerLost });
    loop.start();
    const ticking = setInterval(() => raise({ type: 'tick' }), TICK_MS);
    keep({ close: async () => clearInterval(ticking) });
    const leave = (): void => raise({ type: 'leave' });
    if (signal?.aborted) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });
}

interface Sockets {
  readonly mesh: Mesh;
  /** Where peers find this worker. */
  readonly endpoint: string;
  readonly link: CoordinatorLink;
}

/** Waits for the coordinator where it is not there yet. */
async function openSockets(
  options: WorkerOptions,
  worker: string,
  listeners: Listeners,
  keep: Keep,
): Promise<Sockets> {
  const { join, log, signal, keys, advertise } = options;
  const { waitMs = 1_000 * DEFAULT_WAIT_S, onWaiting = (message) => log.info(message) } = options;
  // Waiting mends no mistake in the address.
  parseEndpoint(join);
  const reaching = createReaching({ endpoint: join, waitMs, signal, onWaiting });
  keep({ close: async () => reaching.end() });
  const mesh = keep(await openMesh(options, worker, listeners, reaching));
  const find = () => peerEndpoint(mesh.endpoint, options);
  // Nor does it mend one in the advertised host.
  const endpoint = await (advertise === undefined ? reaching.attempt(find) : find());
  const connect = (connectTimeoutMs: number) =>
    connectCoordinator({
      ...{ connect: join, identity: worker, connectTimeoutMs, waits: waitMs > 0, log },
      ...(keys && { keys }),
      ...(signal && { signal }),
      raise: (event) => listeners.raise(event),
    });
  const link = keep(await reaching.attempt(connect));
  reaching.end();
  return { mesh, endpoint, link };
}

async function openMesh(
  options: WorkerOptions,
  identity: string,
  listeners: Listeners,
  reaching: Reaching,
): Promise<Mesh> {
  const { log, keys, hooks = {} } = options;
  return (hooks.createMesh ?? createMesh)({
    identity,
    bind: await reaching.attempt(() => bindAddress(options)),
    ...(keys && { keys }),
    onMessage: (peer, frames) => listeners.onFrames(peer, frames),
    onPeerLost: (peer, error) => listeners.onPeerLost(peer, error),
    onRefused: (refusal) => log.warn({ refusal }, 'refused a peer'),
  });
}

const helloOf = (worker: string, threads: number, endpoint: string): Hello => ({
  ...{ type: 'hello', protocol: PROTOCOL_VERSION, worker, threads, profiles: offeredProfiles(), endpoint },
  ...{ host: hostname(), pid: process.pid, version, build: buildHash(), nodeVersion: process.version },
});
