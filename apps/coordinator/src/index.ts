/**
 * Membership, shard assignment, journal and checkpoints. Knows processes and messages, not what is computed.
 *
 * Of a worker's report of a step, `metrics`, `chain` and `totalSteps` are the same on all members and logged once a
 * step; the rest (rank, shards computed, times, bytes) is that worker's own and logged for every member.
 */
export { checkpointFolder } from './checkpoints.ts';
export type { Coordinator, CoordinatorOptions } from './coordinator.ts';
export { startCoordinator } from './coordinator.ts';
export type { Update } from './updates.ts';
