/** Sockets on the main thread, shard programs on compute threads. */
export { exitCodeOf, exitCodes } from './exit-codes.ts';
export { importExperiment } from './experiment-module.ts';
export type { WorkerHooks } from './hooks.ts';
export type { WorkerOptions } from './run-worker.ts';
export { runWorker } from './run-worker.ts';
export { version } from './version.ts';

/** The program of a worker process. */
export const workerEntry = new URL('./main.js', import.meta.url);
export { createLanes } from './lanes.ts';
export { createReductions } from './reductions.ts';
