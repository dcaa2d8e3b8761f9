import { headerBytes } from './frame.ts';
import { alignedSubtrees, type BucketOp, type ShardRange } from './tree.ts';

/** Elements `[start, start + size)` of a vector and who combines them. */
export interface Chunk {
  readonly owner: number | 'everyone';
  readonly start: number;
  readonly size: number;
}

/** What decides how a vector travels; the same on every rank. */
export interface ChunkRules {
  /** Vectors of up to so many bytes go whole to everyone: one hop instead of two. */
  readonly smallBytes: number;
  /** The largest payload of a frame of a cut vector. */
  readonly chunkBytes: number;
}

/**
 * 64 KiB: below it a second hop costs more than the bytes it saves. 1 MiB: the best size on loopback,
 * and 8 ms on 1 Gbit/s, far below the heartbeat that waits behind it.
 */
export const defaultChunkRules: ChunkRules = { smallBytes: 64 << 10, chunkBytes: 1 << 20 };

/** Chunks begin at multiples of 16 elements, the lanes of a reduction. */
const lanes = 16;

/** The first element of rank `owner`'s part of a vector of `size` elements. */
function partStart(owner: number, worldSize: number, size: number): number {
  return Math.min(size, lanes * Math.floor((owner * Math.ceil(size / lanes)) / worldSize));
}

function isWhole(op: BucketOp, size: number, { smallBytes }: ChunkRules): boolean {
  return op === 'moments' || 4 * size <= smallBytes;
}

function chunkElements({ chunkBytes }: ChunkRules): number {
  return Math.max(lanes, lanes * Math.floor(chunkBytes / (4 * lanes)));
}

/** Cuts a vector of `size` elements: one contiguous part a rank, each in pieces of at most `chunkBytes`. */
export function planChunks(op: BucketOp, size: number, worldSize: number, rules: ChunkRules): Chunk[] {
  if (isWhole(op, size, rules)) return [{ owner: 'everyone', start: 0, size }];
  const chunks: Chunk[] = [];
  for (let owner = 0; owner < worldSize; owner++) {
    const end = partStart(owner + 1, worldSize, size);
    for (let start = partStart(owner, worldSize, size); start < end; start += chunkElements(rules)) {
      chunks.push({ owner, start, size: Math.min(chunkElements(rules), end - start) });
    }
  }
  return chunks;
}

/** Bytes that `rank` sends and receives for one all-reduce, headers included. */
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
  // The bytes of each rank's part, with a header for each of its chunks.
  const parts = ranges.map((_, owner) => {
    const elements = partStart(owner + 1, worldSize, size) - partStart(owner, worldSize, size);
    return 4 * elements + headerBytes * Math.ceil(elements / chunkElements(rules));
  });
  const mine = parts[rank]!;
  const rest = parts.reduce((sum, bytes) => sum + bytes, 0) - mine;
  return { sent: own * rest + (worldSize - 1) * mine, received: others * mine + rest };
}
