/**
 * Deterministic reductions over the fixed binary tree of shards, between workers that a {@link Link} connects. It opens
 * no sockets, and its caller provides the arithmetic.
 */

export type { AllReducer, AllReducerCounters, AllReducerOptions, Link, Rejection } from './all-reducer.ts';
export { createAllReducer } from './all-reducer.ts';
export type { Chunk, ChunkRules } from './chunks.ts';
export { defaultChunkRules, expectedBytes, planChunks } from './chunks.ts';
export type { DecodedHeader, FrameKind, Header, HeaderFault } from './frame.ts';
export { decodeHeader, encodeHeader, headerBytes, runHash } from './frame.ts';
export type { BucketIndex } from './frame-id.ts';
export { decodeFrameId, encodeFrameId, MAX_BUCKETS } from './frame-id.ts';
export type { HeldFrame, HeldFrames } from './held.ts';
export { createHeldFrames } from './held.ts';
export type { Outbox } from './outbox.ts';
export { createOutbox, outboxBytes } from './outbox.ts';
export type { BoundBucket, ReductionRequest, ShardDivision } from './reduction.ts';
export type { FetchOptions, NamedBytes, SendFrame, Snapshot, SnapshotFetch } from './snapshot.ts';
export { fetchSnapshot, sendSnapshot } from './snapshot.ts';
export type {
  BucketOp,
  Combination,
  Combine,
  CombinePair,
  NodePartial,
  Scratch,
  ShardRange,
  TreeNode,
} from './tree.ts';
export { alignedSubtrees, combineAt, combineTree, createScratch, rootOf } from './tree.ts';
