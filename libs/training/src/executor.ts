/**
 * The work of one compute thread: the segments of its blocks and, on the first thread, the update. Everything is bound
 * once for each generation; a step allocates nothing but the list of its samples.
 */
import { type SplitName, stepsPerEpoch } from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import type { Kernels } from '@lockstep/kernels';
import {
  type BatchFillerOptions,
  type BatchSlot,
  createBatchFiller,
  evaluationSlot,
  type ReplicaCopy,
  trainingSlot,
  viewer,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import { type BlockOptions, bindBlock } from './bound-block.ts';
import { createHistogramTaker, type HistogramTaker } from './histograms.ts';
import { createRecorder } from './recorder.ts';
import { createUpdater, type UpdateResult } from './updater.ts';

export interface ExecutorOptions extends BatchFillerOptions {
  readonly thread: number;
  readonly kernels: Kernels;
  /** Called in the middle of a training segment when the first `numBuckets` buckets of its exchange are complete on this thread. */
  readonly onReady?: (numBuckets: number) => void;
  /** Fills the batches. Without it the executor fills each batch when it needs it. */
  readonly supply?: BatchSupply;
  readonly hooks?: ExecutorHooks;
}

/** Called when a part of a step is done and before it is recorded, so that tests can put in what a broken machine would. */
export interface ExecutorHooks {
  /** The thread's blocks have the batch of the step. */
  readonly onFilled?: (step: number, slot: BatchSlot) => void;
  /** A segment has run on the thread's blocks. */
  readonly onRan?: (step: number, segment: number) => void;
  /** On the first thread: the update is in the replica. */
  readonly onUpdated?: (step: number, copy: ReplicaCopy) => void;
}

/** Batches that another thread fills, into both slots in turn. */
export interface BatchSupply {
  /** Waits for batch `batch` of the running job: 0 for a training step's, from 0 up in an evaluation. */
  await(batch: number, slot: BatchSlot): void;
  /** An evaluation has read a batch. */
  release(): void;
}

export interface UpdateOptions {
  /** Whether the result has histograms of the update. Default: false. */
  readonly histograms?: boolean;
}

/** Sums over the samples of a step. */
export interface ReducedSums {
  /** Of the gradient, by parameter. */
  readonly gradientSums: readonly TypedArray[];
  /** Of loss and metrics, and the number of samples: `sumGroups`. */
  readonly sums: TypedArray;
}

export interface Executor {
  /** Makes the state of step 0 in a copy of the replica. */
  initialize(copy: ReplicaCopy): void;
  /** Runs a segment of step `step` (from 1) on all blocks of this thread. */
  runSegment(step: number, segment: number, copy: ReplicaCopy): void;
  /**
   * Runs the last segment of step `step` and turns the reduced sums into the next state, in the copy that the step
   * has read. If loss, gradients or that state are not finite and the run must stop then, the state stays and
   * `isUpdated` is false.
   */
  runUpdate(step: number, copy: ReplicaCopy, options?: UpdateOptions): UpdateResult;
  /** The sums over all samples with which the last update has computed. The next step overwrites them. */
  reduced(copy: ReplicaCopy): ReducedSums;
  /** Fills the blocks' evaluation sums for a whole split, after step `step`. */
  evaluate(step: number, split: SplitName, copy: ReplicaCopy): void;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { layout, config, dataset, thread, supply, onReady, hooks = {} } = options;
  const view = viewer(options.buffer);
  const own = layout.blocks.filter((block) => block.thread === thread);
  const replica = layout.replica.map((slots) => slots.map(view));
  const bound: BlockOptions = { ...options, replica, onReady: undefined };
  // Blocks run one after the other, so a bucket is complete on this thread when the last block has computed it.
  // What a hook puts into a partial must be there before the partial leaves.
  const early = hooks.onRan === undefined ? onReady : undefined;
  const blocks = own.map((block, i) =>
    bindBlock(block, i === own.length - 1 ? { ...bound, onReady: early } : bound),
  );
  const filler = supply === undefined ? createBatchFiller(options, own) : undefined;
  const { record } = layout;
  const recorder = record && createRecorder({ ...bound, thread, record, numShards: config.numShards });
  const updater = thread === 0 ? createUpdater({ ...bound, config }, blocks[0]!) : undefined;
  let taker: HistogramTaker | undefined;
  /** Most runs take none, and do not pay for its memory. */
  const histogramTaker = (): HistogramTaker => {
    taker ??= createHistogramTaker(bound, blocks[0]!);
    return taker;
  };
  return {
    initialize(copy) {
      invariant(updater !== undefined, 'the first thread initialises');
      updater.initialize(copy);
    },
    runSegment(step, segment, copy) {
      const slot = trainingSlot(step);
      if (segment === 0) {
        supply?.await(0, slot);
        filler?.fillTraining(step, slot);
        hooks.onFilled?.(step, slot);
        recorder?.recordBatch(slot);
      }
      for (const block of blocks) block.training(copy, slot).run(segment);
      hooks.onRan?.(step, segment);
      recorder?.recordPartials(segment);
    },
    runUpdate(step, copy, { histograms: isCounted = false } = {}) {
      invariant(updater !== undefined, 'the first thread updates');
      const last = blocks[0]!.training(copy, trainingSlot(step));
      last.run(last.numSegments - 1);
      const counting = isCounted ? histogramTaker() : undefined;
      counting?.before(copy);
      const result = updater.update(step, copy);
      if (!result.isUpdated) return result;
      hooks.onUpdated?.(step, copy);
      recorder?.recordUpdate(copy);
      return counting ? { ...result, histograms: counting.after(copy) } : result;
    },
    reduced(copy) {
      const { gradientSums, sums } = blocks[0]!.outputs(copy);
      return { gradientSums, sums };
    },
    evaluate(step, name, copy) {
      const numBatches = stepsPerEpoch(dataset.splits[name]!.size, config.batchSize);
      for (let batch = 0; batch < numBatches; batch++) {
        const slot = evaluationSlot(batch, step);
        supply?.await(batch, slot);
        filler?.fillEvaluation(name, batch, slot);
        for (const { layout: place, evaluation } of blocks) {
          const instance = evaluation(copy, slot);
          instance.run(0);
          const { partial } = instance.exchanges[0]![0]!;
          view(place.evaluationSums).set(partial, batch * place.evaluationSums.shape[1]!);
        }
        supply?.release();
      }
    },
  };
}
