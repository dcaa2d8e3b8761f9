/** The buckets that a worker exchanges between two segments, as views of its memory. */
import type { BoundBucket } from '@lockstep/collectives';
import { type Programs, viewer, type WorkerLayout } from '@lockstep/run';

/** The buckets of a step by exchange, with partials of all blocks of the worker, whichever thread computes a block. */
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
      op: programs.shard(blocks[0]!.numShards).exchanges[exchange]![bucket]!.op,
      size: shape[0]!,
      result: floats(byteOffset, shape[0]!),
      partials: blocks.map(({ node, numShards, arena }) => {
        const planned = programs.shard(numShards).exchanges[exchange]![bucket]!;
        return { node, data: floats(arena + planned.byteOffset, planned.size) };
      }),
    })),
  );
}
