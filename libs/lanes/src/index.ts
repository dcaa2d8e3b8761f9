/**
 * Messages between processes of one host through memory that they share. It knows nothing of the messages' meaning, and
 * loads only its addon, so that compute threads can load it cheaply.
 */
export type { Rope } from './bell.ts';
export { ownBell } from './bell.ts';
export type { Lane, LaneOptions } from './lane.ts';
export { createLane } from './lane.ts';
export { laneMessages } from './region.ts';
export type { SharedMemory } from './shared-memory.ts';
export { sharedMemory } from './shared-memory.ts';
