/** Sockets on the main thread, shard programs on compute threads. */
import type { Exit } from '@lockstep/protocol';
import { bundled } from './bundle.ts';
import type { WorkerOptions } from './run-worker.ts';
import { startThreads } from './threads.ts';

export { buildHash } from './build-hash.ts';
export { exitCodeOf, exitCodes } from './exit-codes.ts';
export type { WorkerHooks } from './hooks.ts';
export { divide } from './run/shards.ts';
export type { WorkerOptions } from './run-worker.ts';
export type { Threads } from './threads.ts';
export { startEarly, startThreads } from './threads.ts';
export { version } from './version.ts';

/** Joins a coordinator, works until it is told to stop, and resolves with the reason. */
export async function runWorker(options: WorkerOptions): Promise<Exit> {
  const threads = startThreads(options.threads, options.executorHooks);
  const { work } = await loadWorker();
  return work(options, threads);
}

/** Loads the main thread's code, which takes longer than starting threads. */
export async function loadWorker(): Promise<typeof import('./run-worker.ts')> {
  const module = bundled('run-worker');
  return module === undefined ? await import('./run-worker.ts') : await import(module.href);
}

/** The program of a worker process. */
export const workerEntry = new URL('./main.js', import.meta.url);

/** The parts that carry a worker's sums to others on its host, for measurements. They are loaded when this is called. */
export async function loadExchange() {
  const [{ directLink, reduceDirectly }, { createReductions }] = await Promise.all([
    import('./exchange/direct-exchange.ts'),
    import('./exchange/reductions.ts'),
  ]);
  return { createReductions, directLink, reduceDirectly };
}
