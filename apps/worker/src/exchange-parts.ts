/** What a worker exchanges between two segments, as views of its memory. */
import type { ReduceOp, TreeNode } from '@lockstep/collectives';
import { type Programs, viewer, type WorkerLayout } from '@lockstep/run';

/** The part of a block that one exchange concerns. */
export interface BlockPartial {
  readonly node: TreeNode;
  readonly data: Float32Array;
}

export interface ExchangePart {
  readonly op: ReduceOp;
  readonly size: number;
  readonly partials: readonly BlockPartial[];
  readonly result: Float32Array;
}

/** The parts of each exchange, by segment: of all blocks of the worker, whichever thread has them. */
export function bindExchangeParts(
  programs: Programs,
  { blocks, results }: WorkerLayout,
  buffer: SharedArrayBuffer,
): ExchangePart[][] {
  const view = viewer(buffer);
  const floats = (byteOffset: number, size: number): Float32Array =>
    view({ dtype: 'float32', shape: [size], byteOffset }) as Float32Array;
  return results.map((parts, segment) =>
    parts.map(({ byteOffset, shape }, part) => ({
      op: programs.shard(blocks[0]!.numShards).exchanges[segment]![part]!.combine,
      size: shape[0]!,
      result: floats(byteOffset, shape[0]!),
      partials: blocks.map(({ node, numShards, arena }) => {
        const from = programs.shard(numShards).exchanges[segment]![part]!;
        return { node, data: floats(arena + from.byteOffset, from.size) };
      }),
    })),
  );
}
