/**
 * What one compute thread does: it runs its blocks' segments, and the first thread the update. Everything is bound
 * once for each generation; a step allocates nothing but the list of its samples.
 */
import { type Instance, instantiate, runAlone } from '@lockstep/autodiff';
import {
  type Dataset,
  evaluationSamples,
  fillBatch,
  type ShardSamples,
  type SplitName,
  stepSamples,
  stepsPerEpoch,
} from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import type { Kernels } from '@lockstep/kernels';
import { sizeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import type { RunConfig } from './experiment.ts';
import type { BlockLayout, Slot, WorkerLayout } from './layout.ts';
import type { Programs } from './programs.ts';
import { initKey, shardKey } from './task.ts';

/** Which of the two copies of the replica is read; an update writes the other. */
export type Parity = 0 | 1;

export interface ExecutorOptions {
  readonly programs: Programs;
  readonly layout: WorkerLayout;
  readonly thread: number;
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly kernels: Kernels;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** Called in the middle of a training segment when the first `numParts` parts of its exchange stand on this thread. */
  readonly onReady?: (numParts: number) => void;
}

export interface Executor {
  /** Makes the state of step 0 in copy `into`. */
  initialize(into: Parity): void;
  /** Runs a segment of step `step` (from 1) on all blocks of this thread. */
  runSegment(step: number, segment: number, from: Parity): void;
  /** Turns the reduced sums into the next state, in the other copy than `from`. */
  runUpdate(step: number, from: Parity): void;
  /** Fills the blocks' evaluation sums for a whole split. */
  evaluate(split: SplitName, from: Parity): void;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { programs, layout, config, dataset, thread } = options;
  const view = viewer(options.buffer);
  const blocks = layout.blocks
    .filter((block) => block.thread === thread)
    .map((block, i, own) => bindBlock(block, i === own.length - 1, options));
  const updater = thread === 0 ? bindUpdate(options, blocks[0]!) : undefined;
  const numSamples = dataset.splits.train.size;
  return {
    initialize(into) {
      invariant(updater !== undefined, 'the first thread initialises');
      updater.init(into);
    },
    runSegment(step, segment, from) {
      if (segment === 0) {
        const { shards } = stepSamples({
          seed: config.seed,
          step: step - 1,
          numSamples,
          batchSize: config.batchSize,
          numShards: config.numShards,
        });
        for (const block of blocks) block.load('train', step, shards);
      }
      for (const block of blocks) block.training[from].run(segment);
    },
    runUpdate(step, from) {
      invariant(updater !== undefined, 'the first thread updates');
      blocks[0]!.training[from].run(blocks[0]!.training[from].numSegments - 1);
      updater.update(step, from);
    },
    evaluate(name, from) {
      const { size } = dataset.splits[name]!;
      const numBatches = stepsPerEpoch(size, config.batchSize);
      for (const block of blocks) {
        const { evaluationSums } = block.layout;
        const all = view(evaluationSums);
        const width = evaluationSums.shape[1]!;
        const { partial } = block.evaluation[from].exchanges[0]![0]!;
        for (let batch = 0; batch < numBatches; batch++) {
          const { shards } = evaluationSamples({
            step: batch,
            numSamples: size,
            batchSize: config.batchSize,
            numShards: config.numShards,
          });
          block.load(name, 0, shards);
          block.evaluation[from].run(0);
          all.set(partial, batch * width);
        }
      }
    },
  };

  /** Blocks run one after the other, so the thread's parts stand when the last block's do. */
  function bindBlock(block: BlockLayout, isLast: boolean, { kernels, buffer, onReady }: ExecutorOptions) {
    const columns = block.columns.map(view);
    const weights = view(block.weights) as Float32Array;
    const keys = view(block.keys) as Uint32Array;
    const numRead = programs.params.length + programs.state.length;
    const bind = (evaluating: boolean) => (parity: Parity) =>
      instantiate(evaluating ? programs.evaluation(block.numShards) : programs.shard(block.numShards), {
        kernels,
        buffer,
        byteOffset: evaluating ? block.evaluationArena : block.arena,
        inputs: [...layout.replica[parity].slice(0, numRead).map(view), ...columns, weights, keys],
        results: (evaluating ? [[layout.evaluationResult]] : layout.results).map((parts) =>
          parts.map((part) => view(part) as Float32Array),
        ),
        ...(isLast && onReady && { onReady: (_segment: number, numParts: number) => onReady(numParts) }),
      });
    const indices = new Int32Array(block.numShards * programs.rowsPerShard);
    const outs = Object.fromEntries(programs.columns.map(({ name }, i) => [name, columns[i]!]));
    const first = block.node.index * block.numShards;
    return {
      layout: block,
      training: both(bind(false)),
      evaluation: both(bind(true)),
      load(split: SplitName, step: number, shards: readonly ShardSamples[]): void {
        for (let i = 0; i < block.numShards; i++) {
          const shard = shards[first + i]!;
          indices.set(shard.indices, i * programs.rowsPerShard);
          weights.set(shard.weights, i * programs.rowsPerShard);
          keys.set(shardKey(config.seed, step, first + i), 2 * i);
        }
        fillBatch(dataset.splits[split]!, indices, outs);
      },
    };
  }

  function bindUpdate({ kernels, buffer }: ExecutorOptions, block: ReturnType<typeof bindBlock>) {
    const key = view(layout.key) as Uint32Array;
    const step = view(layout.step);
    const at = (byteOffset: number) => ({ kernels, buffer, byteOffset, results: [] });
    const inits = both((into) =>
      instantiate(programs.init, {
        ...at(layout.initArena),
        inputs: [key],
        outputs: layout.replica[into].map(view),
      }),
    );
    const updates = both((from): Instance => {
      const current = layout.replica[from].map(view);
      const next = layout.replica[other(from)].map(view);
      const { outputs } = block.training[from];
      const [numParams, numState] = [programs.params.length, programs.state.length];
      const gradients = outputs.slice(0, numParams);
      const state = outputs.slice(numParams, numParams + numState);
      return instantiate(programs.update, {
        ...at(layout.updateArena),
        inputs: [
          ...current.slice(0, numParams),
          ...state,
          ...current.slice(numParams + numState),
          ...gradients,
          outputs.at(-1)!,
          step,
        ],
        outputs: [...next, view(layout.stepMetrics)],
      });
    });
    return {
      init(into: Parity): void {
        key.set(initKey(config.seed));
        runAlone(inits[into]);
      },
      update(committing: number, from: Parity): void {
        // Optimizers count the updates before this one.
        step[0] = committing - 1;
        runAlone(updates[from]);
      },
    };
  }
}

export const other = (parity: Parity): Parity => (parity === 0 ? 1 : 0);

const both = <T>(make: (parity: Parity) => T): readonly [T, T] => [make(0), make(1)];

/** Views of slots in a memory. */
export const viewer =
  (buffer: ArrayBuffer | SharedArrayBuffer) =>
  ({ dtype, shape, byteOffset }: Slot): TypedArray =>
    viewOf(dtype, buffer, byteOffset, sizeOf(shape));
