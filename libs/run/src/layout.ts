/**
 * The places of a worker's arrays in its shared memory: a pure function of programs and blocks, so every thread
 * computes it without asking. The replica comes first and stays in place when a new generation changes the blocks.
 */
import type { Plan } from '@lockstep/autodiff';
import { alignedSubtrees, type ShardRange, type TreeNode } from '@lockstep/collectives';
import { stepsPerEpoch } from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import { bytesPerElement, type DType, type Shape, sizeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import { itemsOf } from './groups.ts';
import type { Programs } from './programs.ts';
import { layoutRecord, type RecordLayout, type RecordMode, recordContents } from './record.ts';
import { guardGroups, replicaGroups, sumGroups } from './signatures.ts';

/** An array's place. */
export interface Slot {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly byteOffset: number;
}

/** The samples of one batch of a block. */
export interface BatchPlaces {
  readonly columns: readonly Slot[];
  /** Of the samples in their split. */
  readonly indices: Slot;
  readonly weights: Slot;
  readonly keys: Slot;
}

export interface BlockLayout {
  readonly node: TreeNode;
  readonly numShards: number;
  readonly thread: number;
  readonly batches: readonly [BatchPlaces, BatchPlaces];
  readonly arena: number;
  readonly evaluationArena: number;
  /** [batches, sums] of the running evaluation. */
  readonly evaluationSums: Slot;
}

export interface WorkerLayout {
  readonly bytes: number;
  /**
   * Two copies of params, state and optimizer state: steps work on the current copy; state from elsewhere fills the
   * other.
   */
  readonly replica: readonly [readonly Slot[], readonly Slot[]];
  readonly results: readonly (readonly Slot[])[];
  readonly evaluationResult: Slot;
  readonly key: Slot;
  readonly step: Slot;
  /** The numbers that decide whether the update may begin (`guardGroups`). */
  readonly guard: Slot;
  readonly stepMetrics: Slot;
  readonly initArena: number;
  readonly updateArena: number;
  readonly scratch: readonly number[];
  /** In the order of the shards. */
  readonly blocks: readonly BlockLayout[];
  /** Absent if nothing is recorded. */
  readonly record?: RecordLayout;
}

export interface LayoutOptions {
  readonly programs: Programs;
  /** The shards of each thread: contiguous ranges, in order. */
  readonly threads: readonly ShardRange[];
  readonly scratchBytes: number;
  /** Samples of the largest split that evaluations use. */
  readonly evaluationSamples: number;
  readonly batchSize: number;
  /** What is recorded of each step. Default `off`. */
  readonly record?: RecordMode;
}

export function layoutWorker(options: LayoutOptions): WorkerLayout {
  const { programs, threads } = options;
  let bytes = 0;
  const take = (size: number): number => {
    const byteOffset = bytes;
    bytes += Math.ceil(size / 64) * 64;
    return byteOffset;
  };
  const slot = (dtype: DType, shape: Shape): Slot => ({
    dtype,
    shape,
    byteOffset: take(sizeOf(shape) * bytesPerElement(dtype)),
  });
  const copy = (): Slot[] => itemsOf(replicaGroups(programs)).map(({ dtype, shape }) => slot(dtype, shape));
  const replica = [copy(), copy()] as const;
  const key = slot('uint32', [2]);
  const step = slot('float32', []);
  const guard = slot('float32', [itemsOf(guardGroups(programs)).length]);
  const stepMetrics = slot('float32', [programs.stepMetrics.length]);
  // Arenas hold the constants of their programs, so each program has its own.
  const initArena = take(programs.init.arenaBytes);
  const updateArena = take(programs.update.arenaBytes);
  const scratch = threads.map(() => take(options.scratchBytes));
  const numSums = itemsOf(sumGroups(programs)).length;
  const evaluationResult = slot('float32', [numSums]);
  const batches =
    options.evaluationSamples === 0 ? 0 : stepsPerEpoch(options.evaluationSamples, options.batchSize);
  const blockAt = (node: TreeNode, thread: number): BlockLayout => {
    const numShards = 1 << node.level;
    const lead = [numShards, programs.rowsPerShard];
    const batch = (): BatchPlaces => ({
      columns: programs.columns.map(({ dtype, shape }) => slot(dtype, [...lead, ...shape])),
      indices: slot('int32', lead),
      weights: slot('float32', lead),
      keys: slot('uint32', [numShards, 2]),
    });
    return {
      node,
      numShards,
      thread,
      batches: [batch(), batch()],
      arena: take(programs.shard(numShards).arenaBytes),
      evaluationArena: take(programs.evaluation(numShards).arenaBytes),
      evaluationSums: slot('float32', [batches, numSums]),
    };
  };
  const nodes = threads.map((range) => alignedSubtrees(range));
  const results = exchangesOf(
    programs,
    nodes.flat().map(({ level }) => 1 << level),
  ).map((buckets) => buckets.map(({ size }) => slot('float32', [size])));
  const blocks = nodes.flatMap((list, thread) => list.map((node) => blockAt(node, thread)));
  const contents = recordContents(programs, options.record ?? 'off', options.batchSize);
  const record = contents && layoutRecord(programs, contents, blocks.length, threads.length, take);
  return {
    bytes,
    replica,
    results,
    evaluationResult,
    key,
    step,
    guard,
    stepMetrics,
    initArena,
    updateArena,
    scratch,
    blocks,
    ...(record && { record }),
  };
}

/**
 * The exchanges of all blocks, which must not depend on a block's size: workers would wait for each other forever.
 * Each size is compared with the block of one shard, which every worker has compiled.
 */
function exchangesOf(programs: Programs, sizes: readonly number[]): Plan['exchanges'] {
  const form = (plan: Plan): string =>
    JSON.stringify(
      plan.exchanges.map((buckets) => buckets.map(({ op, exchanged, size }) => [op, exchanged, size])),
    );
  const one = programs.shard(1);
  for (const size of sizes) {
    invariant(form(programs.shard(size)) === form(one), 'blocks of all sizes exchange the same values', {
      size,
    });
  }
  return one.exchanges;
}

/** Returns a function that makes views of places in a memory. */
export const viewer =
  (buffer: ArrayBuffer | SharedArrayBuffer) =>
  ({ dtype, shape, byteOffset }: Slot): TypedArray =>
    viewOf(dtype, buffer, byteOffset, sizeOf(shape));
