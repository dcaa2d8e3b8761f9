/** What one exchange of a step sends over the links of its workers. */
import {
  type BucketOp,
  type ChunkRules,
  defaultChunkRules,
  expectedBytes,
  planChunks,
  type ShardRange,
} from '@lockstep/collectives';

/** A bucket of values that all workers reduce together. */
export interface ExchangedBucket {
  readonly op: BucketOp;
  /** Elements of 4 bytes. */
  readonly size: number;
  /** The part of its segment, from 0 to 1, after which the bucket may leave. Default 1. */
  readonly readyAt?: number;
}

export interface BucketTraffic {
  /** The bytes in the busier direction of the busiest worker: the links of all others wait for that one. */
  readonly busiestBytes: number;
  /** The bytes that all workers send. */
  readonly totalBytes: number;
  /** Messages that follow one another: partials, and for a bucket that is cut the results. */
  readonly numHops: 0 | 1 | 2;
}

/** Workers without shards take no part. `ranges` are those of the others, by rank. */
export function trafficOf(
  { op, size }: ExchangedBucket,
  ranges: readonly ShardRange[],
  rules: ChunkRules = defaultChunkRules,
): BucketTraffic {
  if (ranges.length < 2) return { busiestBytes: 0, totalBytes: 0, numHops: 0 };
  const bytes = ranges.map((_, rank) => expectedBytes(op, size, rank, ranges, rules));
  return {
    busiestBytes: Math.max(...bytes.map(({ sent, received }) => Math.max(sent, received))),
    totalBytes: bytes.reduce((sum, { sent }) => sum + sent, 0),
    numHops: isCut(op, size, ranges.length, rules) ? 2 : 1,
  };
}

/** Whether each worker combines a part of the bucket, and not all of it. */
export const isCut = (
  op: BucketOp,
  size: number,
  worldSize: number,
  rules: ChunkRules = defaultChunkRules,
): boolean => planChunks(op, size, worldSize, rules)[0]?.owner !== 'everyone';
