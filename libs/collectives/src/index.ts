/**
 * Deterministic reductions over the fixed binary tree of shards, between workers that are joined by a {@link Link}.
 * Knows no sockets and is handed its arithmetic.
 */
export type { Chunk, ChunkRules } from './chunks.ts';
export { defaultChunkRules, expectedBytes, planChunks } from './chunks.ts';
export type { Exchange, ExchangeCounters, ExchangeOptions, Link, Rejection } from './exchange.ts';
export { createExchange } from './exchange.ts';
export type { DecodedHeader, FrameKind, Header, HeaderFault } from './frame.ts';
export { decodeHeader, encodeHeader, headerBytes, runHash } from './frame.ts';
export type { HeldFrame, HeldFrames } from './held.ts';
export { createHeldFrames } from './held.ts';
export type { Outbox } from './outbox.ts';
export { createOutbox, outboxBytes } from './outbox.ts';
export type { Membership, ReductionRequest } from './reduction.ts';
export type { FetchOptions, NamedBytes, SendFrame, Snapshot, SnapshotFetch } from './snapshot.ts';
export { fetchSnapshot, sendSnapshot } from './snapshot.ts';
export type {
  Combination,
  Combine,
  CombinePair,
  NodePartial,
  ReduceOp,
  Scratch,
  ShardRange,
  TreeNode,
} from './tree.ts';
export { alignedSubtrees, combineAt, combineTree, createScratch, rootOf } from './tree.ts';
