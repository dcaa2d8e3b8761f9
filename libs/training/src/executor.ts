/**
 * What one compute thread does: it runs its blocks' segments, and the first thread the update. Everything is bound
 * once for each generation; a step allocates nothing but the list of its samples.
 */
import { type Instance, instantiate, runAlone } from '@lockstep/autodiff';
import { type SplitName, stepsPerEpoch } from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import type { Kernels } from '@lockstep/kernels';
import {
  type BatchFillerOptions,
  type BatchSlot,
  type BlockLayout,
  createBatchFiller,
  evaluationSlot,
  initKey,
  other,
  type Parity,
  type Slot,
  viewer,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';

export interface ExecutorOptions extends BatchFillerOptions {
  readonly thread: number;
  readonly kernels: Kernels;
  /** Called in the middle of a training segment when the first `numParts` parts of its exchange stand on this thread. */
  readonly onReady?: (numParts: number) => void;
  /** Where someone else fills the batches; without it, the executor does when it needs them. */
  readonly supply?: BatchSupply;
}

/** Batches that come from elsewhere, into both slots in turn. */
export interface BatchSupply {
  /** Waits for batch `batch` of the job under way: 0 for a training step's, from 0 up in an evaluation. */
  await(batch: number, slot: BatchSlot): void;
  /** An evaluation has read a batch. */
  release(): void;
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
  const { programs, layout, config, dataset, thread, supply } = options;
  const view = viewer(options.buffer);
  const own = layout.blocks.filter((block) => block.thread === thread);
  const blocks = own.map((block, i) => bindBlock(block, i === own.length - 1, options));
  const filler = supply === undefined ? createBatchFiller(options, own) : undefined;
  const updater = thread === 0 ? bindUpdate(options, blocks[0]!) : undefined;
  return {
    initialize(into) {
      invariant(updater !== undefined, 'the first thread initialises');
      updater.init(into);
    },
    runSegment(step, segment, from) {
      // A step reads the slot of its parity, so that the next one's can be filled.
      if (segment === 0) {
        supply?.await(0, from);
        filler?.fillTraining(step, from);
      }
      for (const block of blocks) block.training[from].run(segment);
    },
    runUpdate(step, from) {
      invariant(updater !== undefined, 'the first thread updates');
      blocks[0]!.training[from].run(blocks[0]!.training[from].numSegments - 1);
      updater.update(step, from);
    },
    evaluate(name, from) {
      const numBatches = stepsPerEpoch(dataset.splits[name]!.size, config.batchSize);
      for (let batch = 0; batch < numBatches; batch++) {
        const slot = evaluationSlot(batch, from);
        supply?.await(batch, slot);
        filler?.fillEvaluation(name, batch, slot);
        for (const { layout: place, evaluation } of blocks) {
          const instance = evaluation[from][slot];
          instance.run(0);
          const { partial } = instance.exchanges[0]![0]!;
          view(place.evaluationSums).set(partial, batch * place.evaluationSums.shape[1]!);
        }
        supply?.release();
      }
    },
  };

  /** Blocks run one after the other, so the thread's parts stand when the last block's do. */
  function bindBlock(block: BlockLayout, isLast: boolean, { kernels, buffer, onReady }: ExecutorOptions) {
    const trained = Array.from({ length: programs.params.length + programs.state.length }, (_, i) => i);
    const inputs = (read: readonly number[], parity: Parity, slot: BatchSlot): TypedArray[] => {
      const { columns, weights, keys } = block.batches[slot];
      return [...read.map((i) => layout.replica[parity][i]!), ...columns, weights, keys].map(view);
    };
    const results = (slots: readonly (readonly Slot[])[]): Float32Array[][] =>
      slots.map((parts) => parts.map((part) => view(part) as Float32Array));
    const training = both((parity) =>
      instantiate(programs.shard(block.numShards), {
        kernels,
        buffer,
        byteOffset: block.arena,
        inputs: inputs(trained, parity, parity),
        results: results(layout.results),
        ...(isLast && onReady && { onReady: (_segment: number, numParts: number) => onReady(numParts) }),
      }),
    );
    const evaluation = both((parity) =>
      both((slot) =>
        instantiate(programs.evaluation(block.numShards), {
          kernels,
          buffer,
          byteOffset: block.evaluationArena,
          inputs: inputs(programs.evaluated, parity, slot),
          results: results([[layout.evaluationResult]]),
        }),
      ),
    );
    return { layout: block, training, evaluation };
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

const both = <T>(make: (parity: Parity) => T): readonly [T, T] => [make(0), make(1)];
