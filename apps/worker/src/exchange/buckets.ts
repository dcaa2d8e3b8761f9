/** The buckets that a worker exchanges between two segments, as views of its memory. */
import type { ReduceOp, TreeNode } from '@lockstep/collectives';
import { type Programs, viewer, type WorkerLayout } from '@lockstep/run';

/** A block's share of a bucket. */
export interface BlockPartial {
  readonly node: TreeNode;
  readonly data: Float32Array;
}

/** A bucket with the memory that its partials are read from and its result is written to. */
export interface BoundBucket {
  readonly op: ReduceOp;
  /** Elements. */
  readonly size: number;
  /** One of each block of the worker, whichever thread computes the block. */
  readonly partials: readonly BlockPartial[];
  readonly result: Float32Array;
}

/** The buckets of every exchange of a step, by exchange. */
export function bindBuckets(
  programs: Programs,
  { blocks, results }: WorkerLayout,
  buffer: SharedArrayBuffer,
): BoundBucket[][] {
  const view = viewer(buffer);
  const floats = (byteOffset: number, size: number): Float32Array =>
    view({ dtype: 'float32', shape: [size], byteOffset }) as Float32Array;
  return results.map((slots, exchange) =>
    slots.map(({ byteOffset, shape }, bucket) => ({
      op: programs.shard(blocks[0]!.numShards).exchanges[exchange]![bucket]!.combine,
      size: shape[0]!,
      result: floats(byteOffset, shape[0]!),
      partials: blocks.map(({ node, numShards, arena }) => {
        const planned = programs.shard(numShards).exchanges[exchange]![bucket]!;
        return { node, data: floats(arena + planned.byteOffset, planned.size) };
      }),
    })),
  );
}
