/**
 * Fills batches with samples in the memory of blocks. A batch is a pure function of seed and step, so it can be
 * filled at any time before it is needed, and filled again.
 */
import {
  type Dataset,
  evaluationSamples,
  fillBatch,
  type ShardSamples,
  type SplitName,
} from '@lockstep/data';
import type { Kernels } from '@lockstep/kernels';
import type { RunConfig } from './config.ts';
import { shardKey } from './keys.ts';
import { type BlockLayout, viewer, type WorkerLayout } from './layout.ts';
import type { Programs } from './programs.ts';
import { trainingSamples } from './training-samples.ts';

/** Blocks have memory for two batches: one is in use while the next is filled. */
export type BatchSlot = 0 | 1;

/** Steps alternate between the slots, so that the next step's batch can be filled during a step. */
export const trainingSlot = (step: number): BatchSlot => (step % 2 === 0 ? 0 : 1);

/**
 * The slot of batch `batch` of an evaluation after step `step`. The evaluation begins with the slot of that step,
 * because the other slot may hold the batch of the next step.
 */
export const evaluationSlot = (batch: number, step: number): BatchSlot => trainingSlot(step + batch);

export interface BatchFiller {
  /** Fills the samples of step `step`, from 1. */
  fillTraining(step: number, slot: BatchSlot): void;
  /** Fills batch `batch`, from 0, of a pass over a split. */
  fillEvaluation(split: SplitName, batch: number, slot: BatchSlot): void;
}

export interface BatchFillerOptions {
  readonly programs: Programs;
  readonly layout: WorkerLayout;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** The kernels that copy samples. */
  readonly kernels: Pick<Kernels, 'gather'>;
}

/** Fills batches of the given blocks; default: all blocks of the worker. */
export function createBatchFiller(
  options: BatchFillerOptions,
  blocks: readonly BlockLayout[] = options.layout.blocks,
): BatchFiller {
  const { dataset, config } = options;
  const { batchSize, numShards } = config;
  const bound = blocks.map((block) => bindBlock(block, options));
  const load = (split: SplitName, step: number, slot: BatchSlot, shards: readonly ShardSamples[]): void => {
    for (const block of bound) block(split, step, slot, shards);
  };
  return {
    fillTraining(step, slot) {
      const numSamples = dataset.splits.train.size;
      load('train', step, slot, trainingSamples(config, numSamples, step));
    },
    fillEvaluation(split, batch, slot) {
      const numSamples = dataset.splits[split]!.size;
      const { shards } = evaluationSamples({ step: batch, numSamples, batchSize, numShards });
      load(split, 0, slot, shards);
    },
  };
}

function bindBlock(
  { node, numShards, batches }: BlockLayout,
  { programs, buffer, dataset, config, kernels }: BatchFillerOptions,
) {
  const view = viewer(buffer);
  const slots = batches.map(({ columns, indices, weights, keys }) => ({
    outs: Object.fromEntries(programs.columns.map(({ name }, i) => [name, view(columns[i]!)])),
    indices: view(indices) as Int32Array,
    weights: view(weights),
    keys: view(keys),
  }));
  const first = node.index * numShards;
  return (split: SplitName, step: number, slot: BatchSlot, shards: readonly ShardSamples[]): void => {
    const { outs, indices, weights, keys } = slots[slot]!;
    for (let i = 0; i < numShards; i++) {
      const shard = shards[first + i]!;
      indices.set(shard.indices, i * programs.rowsPerShard);
      weights.set(shard.weights, i * programs.rowsPerShard);
      keys.set(shardKey(config.seed, step, first + i), 2 * i);
    }
    fillBatch(dataset.splits[split]!, indices, outs, kernels.gather);
  };
}
