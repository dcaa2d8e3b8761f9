/** All shards of a run in one process and one thread: the work that a cluster divides among workers. */
import {
  combineAt,
  combineTree,
  createScratch,
  type NodePartial,
  rootOf,
  type ShardRange,
} from '@lockstep/collectives';
import { type Dataset, type SplitName, stepsPerEpoch } from '@lockstep/data';
import {
  createKernels,
  createMemory,
  type Kernels,
  MIN_SCRATCH_BYTES,
  type Profile,
} from '@lockstep/kernels';
import {
  combineWith,
  evaluationMetrics,
  layoutWorker,
  type Programs,
  type RecordMode,
  type ReplicaCopy,
  type RunConfig,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import { type ComputedRecord, computedRecord } from './computed-record.ts';
import { createExecutor, type ExecutorHooks, type ReducedSums, type UpdateOptions } from './executor.ts';
import { replicatedValues, type StepValue } from './replicated-values.ts';
import type { UpdateResult } from './updater.ts';

export interface LocalWorkerOptions {
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** Contiguous ranges of shards, one for each simulated thread. Default: one range of all shards. */
  readonly ranges?: readonly ShardRange[];
  /** Default `portable`. */
  readonly profile?: Profile;
  /** Creates the kernels. Default: the fastest of the profile. */
  readonly createKernels?: typeof createKernels;
  /** What is recorded of each step; true stands for `full`. Default `off`. */
  readonly record?: RecordMode | boolean;
  readonly hooks?: ExecutorHooks;
}

export interface LocalWorker {
  /** The arrays of the replica, in the order of `replicaGroups`. */
  readonly replica: readonly TypedArray[];
  /** The arrays of the second copy, which no program uses here. */
  readonly spare: readonly TypedArray[];
  initialize(): void;
  /** Runs the segments and exchanges of step `step`, from 1, without its update. */
  runSegments(step: number): void;
  update(step: number, options?: UpdateOptions): UpdateResult;
  /** The sums over all samples with which the last update has computed. The next step overwrites them. */
  reduced(): ReducedSums;
  /** The metrics of the last update. */
  stepMetrics(): Record<string, number>;
  /** The record of the last update. */
  recorded(): ComputedRecord;
  /** The values of step `step`, the last one, with all shards in one recorded block. */
  values(step: number): readonly StepValue[];
  /** The metrics of a whole split, after step `step`. */
  evaluate(split: SplitName, step: number): Record<string, number>;
}

/** A cluster fills the other copy with state from elsewhere. */
const copy: ReplicaCopy = 0;

export function createLocalWorker(options: LocalWorkerOptions, programs: Programs): LocalWorker {
  const { dataset, config, profile = 'portable', record = false, hooks } = options;
  const { validation, test } = dataset.splits;
  const ranges = options.ranges ?? [{ start: 0, count: config.numShards }];
  const layout = layoutWorker({
    programs,
    threads: ranges,
    scratchBytes: MIN_SCRATCH_BYTES,
    evaluationSamples: Math.max(validation?.size ?? 0, test?.size ?? 0),
    batchSize: config.batchSize,
    record: typeof record === 'string' ? record : record ? 'full' : 'off',
  });
  const memory = createMemory(layout.bytes);
  const { buffer } = memory;
  const view = viewer(buffer);
  const kernels = layout.scratch.map((scratchOffset) =>
    (options.createKernels ?? createKernels)({
      ...{ memory, scratchOffset, scratchBytes: MIN_SCRATCH_BYTES, profile },
    }),
  );
  const executors = kernels.map((own, thread) =>
    createExecutor({
      ...{ programs, layout, thread, buffer, kernels: own, dataset, config },
      ...(hooks && { hooks }),
    }),
  );
  const run: LocalRun = { programs, layout, buffer, kernels: kernels[0]!, config };
  const exchange = bindExchanges(run);
  const metricsOf = bindEvaluation(run);
  return {
    replica: layout.replica[copy].map(view),
    spare: layout.replica[1].map(view),
    initialize: () => executors[0]!.initialize(copy),
    runSegments(step) {
      for (const [segment, combineAll] of exchange.entries()) {
        for (const executor of executors) executor.runSegment(step, segment, copy);
        combineAll();
      }
    },
    update: (step, options) => executors[0]!.runUpdate(step, copy, options),
    reduced: () => executors[0]!.reduced(copy),
    stepMetrics() {
      const values = view(layout.stepMetrics);
      return Object.fromEntries(programs.stepMetrics.map((name, i) => [name, values[i]!]));
    },
    recorded: () => computedRecord(layout, buffer),
    values: (step) => replicatedValues(run, step, copy),
    evaluate(split, step) {
      for (const executor of executors) executor.evaluate(step, split, copy);
      return metricsOf(split, stepsPerEpoch(dataset.splits[split]!.size, config.batchSize));
    },
  };
}

interface LocalRun {
  readonly programs: Programs;
  readonly layout: WorkerLayout;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly kernels: Kernels;
  readonly config: RunConfig;
}

/** The exchanges of a step: each combines the blocks' partial results along the tree of shards. */
function bindExchanges({ programs, layout, buffer, kernels, config }: LocalRun): (() => void)[] {
  const view = viewer(buffer);
  const combine = combineWith(kernels);
  const scratch = createScratch();
  const root = rootOf(config.numShards);
  return layout.results.map((results, exchange) => {
    const buckets = results.map((result, bucket) => {
      const partials = layout.blocks.map(({ node, numShards, arena }): NodePartial => {
        const { byteOffset, size } = programs.shard(numShards).exchanges[exchange]![bucket]!;
        const place = { dtype: 'float32', shape: [size], byteOffset: arena + byteOffset } as const;
        return { node, data: view(place) as Float32Array };
      });
      const { op } = programs.shard(layout.blocks[0]!.numShards).exchanges[exchange]![bucket]!;
      return { partials, options: { op, combine, scratch }, result: view(result) as Float32Array };
    });
    return () => {
      for (const { partials, options, result } of buckets) combineAt(root, partials, options, result);
    };
  });
}

/** The metrics of a split from the blocks' sums of `numBatches` batches. */
function bindEvaluation({ programs, layout, buffer, kernels, config }: LocalRun) {
  const view = viewer(buffer);
  const combine = combineWith(kernels);
  return (split: SplitName, numBatches: number): Record<string, number> => {
    const partials = layout.blocks.map(({ node, evaluationSums }): NodePartial => {
      const sums = view(evaluationSums) as Float32Array;
      return { node, data: sums.subarray(0, numBatches * evaluationSums.shape[1]!) };
    });
    const sums = combineTree(partials, config.numShards, 'sum', combine);
    return evaluationMetrics(programs.evaluationMetrics, sums, split);
  };
}
