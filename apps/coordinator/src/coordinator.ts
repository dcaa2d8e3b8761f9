/** Starts and stops the coordinator of one run: puts a server and a clock around it. */
import { TICK_MS } from '@lockstep/protocol';
import type { Refusal, ServerKeys } from '@lockstep/transport';
import { type RunControl, type ServedRunOptions, serveRun } from './served-run.ts';
import { openServer } from './server.ts';

export interface CoordinatorOptions extends ServedRunOptions {
  /** `tcp://host:port`; port 0 takes a free port. */
  readonly bind: string;
  /** Required for addresses that other machines can reach. */
  readonly keys?: ServerKeys;
}

export interface Coordinator extends RunControl {
  /** Where workers join, with the real port. */
  readonly endpoint: string;
  /** At most this many workers will join by themselves before the first step. */
  expect(workers: number): void;
  /** An awaited worker will not come back. */
  absent(worker: string): void;
  /**
   * Waits until the workers have been told to stop and are gone, at most `graceMs`, then frees the address. Seals a run that has
   * ended in order: it has finished, was interrupted, or stopped at something that is not finite.
   */
  close(graceMs?: number): Promise<void>;
}

/** Throws `address`, `credentials` or `checkpoint`; the caller must then close the run. */
export async function startCoordinator(options: CoordinatorOptions): Promise<Coordinator> {
  const { bind, keys } = options;
  const served = await serveRun(options);
  const { shell } = served;
  const onRefused = (refusal: Refusal, count: number): void => shell.turnAway(refusal, count);
  const server = await openServer({ bind, keys, onRefused }).catch((error: unknown) => {
    served.abandon();
    throw error;
  });
  await served.begin(server, { bind, keys: keys !== undefined }).catch(async (error: unknown) => {
    await server.close();
    throw error;
  });
  server.receive({
    onMessage: (worker, message, frames) => shell.hear(worker, message, frames),
    onPiece: (worker) => shell.raise({ type: 'heard', worker }),
    onDisconnect: (worker) => shell.disconnected(worker),
    onBadFrame: (worker, reason, count) => shell.badFrame(worker, reason, count),
  });
  const ticking = setInterval(() => shell.raise({ type: 'tick' }), TICK_MS);
  const close = async (graceMs: number): Promise<void> => {
    await shell.departures(graceMs);
    clearInterval(ticking);
    await server.close();
    await served.close();
  };
  let closing: Promise<void> | undefined;
  return {
    ...served.control(),
    endpoint: server.endpoint,
    expect: (workers) => shell.raise({ type: 'expect', workers }),
    absent: (worker) => shell.raise({ type: 'absent', worker }),
    close: (graceMs = 2_000) => {
      closing ??= close(graceMs);
      return closing;
    },
  };
}
