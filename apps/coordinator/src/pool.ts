/** A pool: one process and one address for many runs. Its workers go from run to run. */
import { LockstepError, toWireError } from '@lockstep/errors';
import {
  encodeMessage,
  HEARTBEAT_MS,
  LINGER_MS,
  LIVENESS_MS,
  type PoolEvent,
  type Profile,
  type RunBound,
  TICK_MS,
} from '@lockstep/protocol';
import type { ServerKeys } from '@lockstep/transport';
import type { Logger } from 'pino';
import { createDepartures } from './departures.ts';
import { createDispatch, type Dispatch } from './dispatch.ts';
import { type RunControl, type ServedRun, type ServedRunOptions, serveRun } from './served-run.ts';
import { describeRefusal, openServer, type Server } from './server.ts';
import type { Shell } from './shell.ts';

export interface PoolOptions {
  /** `tcp://host:port`; port 0 takes a free port. */
  readonly bind: string;
  /** Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys;
  /** Workers of another version or build are refused. */
  readonly version: string;
  readonly build: string;
  /**
   * The numeric profile of all runs. Workers that do not offer it are refused. Default `auto`: each run takes the one that its first
   * worker prefers, so that results depend on who came first if workers differ.
   */
  readonly profile?: Profile | 'auto';
  readonly logger: Logger;
}

export interface PooledRunOptions
  extends Omit<ServedRunOptions, 'version' | 'build' | 'minWorkers' | 'profile' | 'awaited' | 'logger'> {
  /** Among runs that wait for workers, the lowest is served first. Default: the order of the calls, from 0. */
  readonly order?: number;
  /**
   * Of free workers, so many are given to the run before they join runs that have as many as they ask for. Default 1. The run begins
   * with one in any case.
   */
  readonly minWorkers?: number;
  /** Default: as many as it has shards. */
  readonly maxWorkers?: number;
  /** The work of the whole run, on any scale that the pool's runs share. Free workers join where most is left. Default 1. */
  readonly work?: number;
}

/** A run of a pool, for the process that added it. */
export interface PooledRun extends RunControl {
  /** Closes the run and its folder once the run has ended. Seals a run that has ended in order. */
  close(): Promise<void>;
}

export type PoolUpdate =
  | { readonly type: 'event'; readonly event: PoolEvent }
  /** A connection without the right keys, or whose bytes are not messages of this protocol. */
  | { readonly type: 'turnedAway'; readonly reason: string };

export interface Pool {
  /** Where workers join, with the real port. */
  readonly endpoint: string;
  /** Workers that have joined and are not lost. */
  numWorkers(): number;
  /**
   * Adds a run, which begins as soon as there is a worker for it. Throws `checkpoint`, `file`, or `argument` where the pool has a run
   * of the same name; the caller must then close the run.
   */
  train(options: PooledRunOptions): Promise<PooledRun>;
  /** Returns a function that stops listening. */
  onUpdate(listener: (update: PoolUpdate) => void): () => void;
  /** Ends runs that have not ended, with an error; waits until the workers are gone, at most `graceMs`; then frees the address. */
  close(graceMs?: number): Promise<void>;
}

/** Throws `address` or `credentials`. */
export async function startPool(options: PoolOptions): Promise<Pool> {
  const { bind, keys, logger } = options;
  const runs = new Map<string, ServedRun>();
  const departures = createDepartures();
  const listeners = new Set<(update: PoolUpdate) => void>();
  const tell = (update: PoolUpdate): void => listeners.forEach((listener) => void listener(update));
  const dispatch = createDispatch({
    config: configOf(options),
    send: (worker, message) => server.send(worker, message),
    forward: (worker, parts) => server.pass(worker, parts),
    deliver: (run, event, frames) => deliver(runs.get(run), event, frames),
    onEvent(event) {
      logger.info(event, event.type);
      tell({ type: 'event', event });
    },
  });
  const server = await openServer({
    bind,
    keys,
    onRefused(refusal, count) {
      logger.warn({ ...refusal, count }, 'connection refused');
      tell({ type: 'turnedAway', reason: describeRefusal(refusal) });
    },
  });
  server.receive({
    onMessage(worker, message, frames) {
      if (message.type === 'hello') departures.connected(worker);
      dispatch.raise({ type: 'message', worker, message }, frames);
    },
    onPiece: (worker) => dispatch.raise({ type: 'heard', worker }),
    onDisconnect(worker) {
      departures.disconnected(worker);
      dispatch.raise({ type: 'disconnected', worker });
    },
    onBadFrame: (worker, reason, count) => logger.warn({ worker, reason, count }, 'bad frame dropped'),
  });
  logger.info({ endpoint: server.endpoint }, 'pool started');
  const ticking = setInterval(() => {
    dispatch.raise({ type: 'tick' });
    for (const { shell } of runs.values()) contain(shell, () => shell.raise({ type: 'tick' }));
  }, TICK_MS);
  let numAdded = 0;
  const close = async (graceMs: number): Promise<void> => {
    await Promise.all([...runs.values()].map(endRun));
    dispatch.raise({ type: 'close' });
    await departures.all(graceMs);
    clearInterval(ticking);
    await server.close();
  };
  let closing: Promise<void> | undefined;
  return {
    endpoint: server.endpoint,
    numWorkers: () => dispatch.numWorkers,
    train: (run) => addRun(options, run, { order: numAdded++, server, dispatch, runs }),
    onUpdate(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close(graceMs = 2_000) {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

const configOf = ({ version, build, profile = 'auto' }: PoolOptions) => ({
  ...{ version, build, profile },
  ...{ heartbeatMs: HEARTBEAT_MS, livenessMs: LIVENESS_MS, lingerMs: LINGER_MS },
});

/** A run that has ended hears nothing any more. */
function deliver(run: ServedRun | undefined, event: RunBound, frames: readonly Uint8Array[]): void {
  if (run === undefined) return;
  const { shell } = run;
  contain(shell, () => {
    if (event.type === 'message') shell.hear(event.worker, event.message, frames);
    else shell.raise(event);
  });
}

/** A fault of ours in one run ends that run, and no other. */
function contain(shell: Shell, action: () => void): void {
  try {
    action();
  } catch (error) {
    shell.raise({ type: 'failed', error: toWireError(error) });
  }
}

interface Added {
  readonly order: number;
  readonly server: Pick<Server, 'endpoint'>;
  readonly dispatch: Dispatch;
  /** The runs that have not ended. */
  readonly runs: Map<string, ServedRun>;
}

async function addRun(
  { bind, keys, version, build, profile = 'auto', logger }: PoolOptions,
  options: PooledRunOptions,
  { order, server, dispatch, runs }: Added,
): Promise<PooledRun> {
  const { minWorkers = 1, maxWorkers = options.numShards, numShards, work = 1 } = options;
  const served = await serveRun(
    { ...options, version, build, profile, minWorkers: 1, logger: logger.child({ run: options.run.folder }) },
    { pooled: true, onEnding: () => dispatch.raise({ type: 'runEnding', run: name }) },
  );
  const { name, shell } = served;
  if (runs.has(name)) {
    served.abandon();
    const message = `the pool has a run of the name ${name} already; let it end, or give the folder another name`;
    throw new LockstepError('argument', message, { run: name });
  }
  runs.set(name, served);
  try {
    // Encoded here: a message that is too long is this run's error.
    const send: Server['send'] = (worker, message, frames = []) =>
      dispatch.raise({ type: 'send', run: name, worker, message }, [encodeMessage(message), ...frames]);
    await served.begin({ endpoint: server.endpoint, send }, { bind, keys: keys !== undefined });
  } catch (error) {
    runs.delete(name);
    throw error;
  }
  shell.onUpdate((update) => {
    if (update.type !== 'progress') return;
    const end = options.pause?.step ?? update.report.totalSteps;
    if (typeof end === 'number')
      dispatch.raise({ type: 'progress', run: name, remaining: work * (1 - update.step / end) });
  });
  const needs = { order: options.order ?? order, minWorkers, maxWorkers, numShards };
  dispatch.raise({ type: 'runAdded', run: name, needs, remaining: work });
  void shell.done.then(() => {
    runs.delete(name);
    dispatch.raise({ type: 'runEnded', run: name });
  });
  return { ...served.control(), close: served.close };
}

/** Ends a run at once: the second error ends the wait for its state. */
async function endRun({ shell }: ServedRun): Promise<void> {
  const error = toWireError(new LockstepError('lost', 'the pool was closed before the run had ended'));
  shell.raise({ type: 'failed', error });
  shell.raise({ type: 'failed', error });
  await shell.done;
}
