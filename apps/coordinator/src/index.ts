/**
 * Membership, shard assignment, journal and checkpoints. Knows processes and messages, not what is computed.
 *
 * A worker's report of a step is any record; what it says under `work` (shards computed, times, bytes) is that
 * worker's own and logged for every member, the rest once a step.
 */
export { checkpointFolder } from './checkpoints.ts';
export type { Coordinator, CoordinatorOptions } from './coordinator.ts';
export { startCoordinator } from './coordinator.ts';
export type { Update } from './updates.ts';
