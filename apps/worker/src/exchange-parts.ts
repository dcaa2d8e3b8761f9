/** What a worker exchanges between two segments, as views of its memory. */
import type { BoundBucket } from '@lockstep/collectives';
import { type Programs, viewer, type WorkerLayout } from '@lockstep/run';

/** The buckets of each exchange, by segment: of all blocks of the worker, whichever thread has them. */
export function bindBuckets(
  programs: Programs,
  { blocks, results }: WorkerLayout,
  buffer: SharedArrayBuffer,
): BoundBucket[][] {
  const view = viewer(buffer);
  const floats = (byteOffset: number, size: number): Float32Array =>
    view({ dtype: 'float32', shape: [size], byteOffset }) as Float32Array;
  return results.map((buckets, segment) =>
    buckets.map(({ byteOffset, shape }, bucket) => ({
      op: programs.shard(blocks[0]!.numShards).exchanges[segment]![bucket]!.op,
      size: shape[0]!,
      result: floats(byteOffset, shape[0]!),
      partials: blocks.map(({ node, numShards, arena }) => {
        const from = programs.shard(numShards).exchanges[segment]![bucket]!;
        return { node, data: floats(arena + from.byteOffset, from.size) };
      }),
    })),
  );
}
