/**
 * Messages between processes of one host through memory that they share. Knows bytes, not messages, and loads nothing
 * but its addon, so that a compute thread can afford it.
 */
export type { Rope } from './bell.ts';
export { ownBell } from './bell.ts';
export type { Lane, LaneOptions } from './lane.ts';
export { createLane, laneMessages } from './lane.ts';
export type { SharedMemory } from './shared-memory.ts';
export { sharedMemory } from './shared-memory.ts';
