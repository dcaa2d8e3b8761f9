/**
 * Membership, shard assignment, journal and checkpoints. This package knows processes and messages, not what they compute.
 *
 * A worker's report of a step has a part `work` (rank, shards computed, times, bytes), which is logged for every member. The
 * rest (`metrics`, `chain`, `totalSteps`) is the same on all members and logged once.
 */
export type { Coordinator, CoordinatorOptions } from './coordinator.ts';
export { startCoordinator } from './coordinator.ts';
export type { EventFileOptions } from './event-file.ts';
export { type Family, families } from './monitoring/families.ts';
export { openRunMetrics, type RunMetrics, type RunMetricsOptions } from './monitoring/run-metrics.ts';
export { textFormat } from './monitoring/text-format.ts';
export type { Notice } from './notices.ts';
export type { Pool, PooledRun, PooledRunOptions, PoolOptions, PoolUpdate } from './pool.ts';
export { startPool } from './pool.ts';
export { type LastStart, readLastStart } from './run-log.ts';
export type { RunControl } from './served-run.ts';
export type { SharedDigests } from './step-log.ts';
export type { Update } from './updates.ts';
