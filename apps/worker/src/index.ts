/** Sockets on the main thread, shard programs on compute threads. */
import type { Exit } from '@lockstep/protocol';
import type { WorkerOptions } from './run-worker.ts';
import { startThreads, type Threads } from './threads.ts';

export { exitCodeOf, exitCodes } from './exit-codes.ts';
export type { WorkerHooks } from './hooks.ts';
export type { WorkerOptions } from './run-worker.ts';
export type { Threads } from './threads.ts';
export { startThreads } from './threads.ts';
export { version } from './version.ts';

/**
 * Joins, works until told to stop, and resolves with the reason. Rejects when the coordinator cannot be reached. Who has
 * something else to load first starts the threads before it.
 */
export async function runWorker(
  options: WorkerOptions,
  threads: Threads = startThreads(options.threads),
): Promise<Exit> {
  const { work } = await import('./run-worker.ts');
  return work(options, threads);
}

/** The program of a worker process. */
export const workerEntry = new URL('./main.js', import.meta.url);

/** What carries a worker's sums, for measurements: loaded when asked for. */
export async function loadExchange() {
  const [{ createLanes }, { createReductions }] = await Promise.all([
    import('./lanes.ts'),
    import('./reductions.ts'),
  ]);
  return { createLanes, createReductions };
}
