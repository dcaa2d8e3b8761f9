import { headerBytes } from './frame.ts';
import { alignedSubtrees, type BucketOp, type ShardRange } from './tree.ts';

/** Elements `[start, start + size)` of a bucket and the rank that combines them. */
export interface Chunk {
  readonly owner: number | 'everyone';
  readonly start: number;
  readonly size: number;
}

/** The rules by which a bucket is cut; the same on every rank. */
export interface ChunkRules {
  /** Buckets of up to this size go whole to every rank: one hop instead of two. */
  readonly smallBytes: number;
  /** The largest payload of a frame of a bucket that is cut. */
  readonly chunkBytes: number;
}

/**
 * Below 64 KiB a second hop costs more than the bytes it saves. 1 MiB is the fastest chunk size on loopback, and takes
 * 8 ms on 1 Gbit/s, far less than the time-out of the heartbeat that waits behind it.
 */
export const defaultChunkRules: ChunkRules = { smallBytes: 64 << 10, chunkBytes: 1 << 20 };

/** Chunks begin at multiples of 16 elements, so that whole vectors are combined. */
const alignment = 16;

/** The first element that rank `owner` owns, of a bucket of `size` elements. */
function ownedFrom(owner: number, worldSize: number, size: number): number {
  return Math.min(size, alignment * Math.floor((owner * Math.ceil(size / alignment)) / worldSize));
}

function isWhole(op: BucketOp, size: number, { smallBytes }: ChunkRules): boolean {
  return op === 'moments' || 4 * size <= smallBytes;
}

function chunkElements({ chunkBytes }: ChunkRules): number {
  return Math.max(alignment, alignment * Math.floor(chunkBytes / (4 * alignment)));
}

/** Cuts a bucket of `size` elements: each rank owns one contiguous range, in chunks of at most `chunkBytes`. */
export function planChunks(op: BucketOp, size: number, worldSize: number, rules: ChunkRules): Chunk[] {
  if (isWhole(op, size, rules)) return [{ owner: 'everyone', start: 0, size }];
  const chunks: Chunk[] = [];
  for (let owner = 0; owner < worldSize; owner++) {
    const end = ownedFrom(owner + 1, worldSize, size);
    for (let start = ownedFrom(owner, worldSize, size); start < end; start += chunkElements(rules)) {
      chunks.push({ owner, start, size: Math.min(chunkElements(rules), end - start) });
    }
  }
  return chunks;
}

/** Bytes that `rank` sends and receives in one all-reduce, including headers. */
export function expectedBytes(
  op: BucketOp,
  size: number,
  rank: number,
  ranges: readonly ShardRange[],
  rules: ChunkRules,
): { readonly sent: number; readonly received: number } {
  const worldSize = ranges.length;
  const numNodes = ranges.map((range) => alignedSubtrees(range).length);
  const own = numNodes[rank]!;
  const others = numNodes.reduce((sum, count) => sum + count, 0) - own;
  if (isWhole(op, size, rules)) {
    const frame = headerBytes + 4 * size;
    return { sent: (worldSize - 1) * own * frame, received: others * frame };
  }
  // For each rank: the bytes of the elements that it owns, with a header for each chunk.
  const owned = ranges.map((_, owner) => {
    const elements = ownedFrom(owner + 1, worldSize, size) - ownedFrom(owner, worldSize, size);
    return 4 * elements + headerBytes * Math.ceil(elements / chunkElements(rules));
  });
  const mine = owned[rank]!;
  const rest = owned.reduce((sum, bytes) => sum + bytes, 0) - mine;
  return { sent: own * rest + (worldSize - 1) * mine, received: others * mine + rest };
}
