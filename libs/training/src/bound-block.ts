/** The programs of one block of shards, bound to its memory. */
import { type Instance, instantiate } from '@lockstep/autodiff';
import type { Kernels } from '@lockstep/kernels';
import {
  type BatchSlot,
  type BlockLayout,
  evaluationSignature,
  type Grouped,
  type Programs,
  packArrays,
  type ReplicaCopy,
  replicaGroups,
  type Slot,
  shardSignature,
  unpack,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import { perCopy } from './per-copy.ts';

export interface BlockOptions {
  readonly programs: Programs;
  readonly layout: WorkerLayout;
  readonly kernels: Kernels;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** The arrays of each copy of the replica, in the order of `replicaGroups`. */
  readonly replica: readonly (readonly TypedArray[])[];
  /** Called in the middle of a training segment when the first `numBuckets` buckets of its exchange are complete. */
  readonly onReady?: ((numBuckets: number) => void) | undefined;
}

export interface BoundBlock {
  readonly layout: BlockLayout;
  training(copy: ReplicaCopy, slot: BatchSlot): Instance;
  evaluation(copy: ReplicaCopy, slot: BatchSlot): Instance;
  /** What the last segment of a training step leaves; the memory is the same for both slots. */
  outputs(copy: ReplicaCopy): Grouped<ReturnType<typeof shardSignature>['outputs'], TypedArray>;
}

export function bindBlock(block: BlockLayout, options: BlockOptions): BoundBlock {
  const { programs, layout, kernels, buffer, replica, onReady } = options;
  const { numShards } = block;
  const view = viewer(buffer);
  const floats = (slots: readonly Slot[]): Float32Array[] => slots.map((slot) => view(slot) as Float32Array);
  const batchOf = (slot: BatchSlot) => {
    const { columns, weights, keys } = block.batches[slot];
    return { columns: columns.map(view), weights: view(weights), keys: view(keys) };
  };
  const shard = shardSignature(programs, numShards);
  const training = perCopy((copy, slot) => {
    const { params, state } = unpack(replicaGroups(programs), replica[copy]!);
    return instantiate(programs.shard(numShards), {
      ...{ kernels, buffer, byteOffset: block.arena },
      inputs: packArrays(shard.inputs, { params, state, ...batchOf(slot) }),
      results: layout.results.map(floats),
      ...(onReady && { onReady: (_segment: number, numBuckets: number) => onReady(numBuckets) }),
    });
  });
  const evaluation = perCopy((copy, slot) => {
    const { params, state, averageWeight } = programs.evaluated;
    const read = (places: readonly number[]): TypedArray[] => places.map((place) => replica[copy]![place]!);
    return instantiate(programs.evaluation(numShards), {
      ...{ kernels, buffer, byteOffset: block.evaluationArena },
      inputs: packArrays(evaluationSignature(programs, numShards).inputs, {
        ...{ params: read(params), state: read(state), averageWeight: read(averageWeight) },
        ...batchOf(slot),
      }),
      results: [floats([layout.evaluationResult])],
    });
  });
  const outputs: BoundBlock['outputs'] = (copy) => unpack(shard.outputs, training(copy).outputs);
  return { layout: block, training, evaluation, outputs };
}
