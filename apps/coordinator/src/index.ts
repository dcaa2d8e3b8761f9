/**
 * Membership, shard assignment, journal and checkpoints. Knows processes and messages, not what is computed.
 *
 * Of a worker's report of a step, what it says under `work` (rank, shards computed, times, bytes) is that worker's
 * own and logged for every member; the rest (`metrics`, `chain`, `totalSteps`) is the same on all and logged once.
 */
export type { Coordinator, CoordinatorOptions } from './coordinator.ts';
export { startCoordinator } from './coordinator.ts';
export type { EventFileOptions } from './event-file.ts';
export type { Notice } from './notices.ts';
export { type LastStart, readLastStart } from './run-log.ts';
export type { Update } from './updates.ts';
