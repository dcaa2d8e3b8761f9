/**
 * What one compute thread does: it runs its blocks' segments, and the first thread the update. Everything is bound
 * once for each generation; a step allocates nothing but the list of its samples.
 */
import { instantiate, runAlone } from '@lockstep/autodiff';
import { type SplitName, stepsPerEpoch } from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import type { Kernels } from '@lockstep/kernels';
import {
  type BatchFillerOptions,
  type BatchSlot,
  type BlockLayout,
  createBatchFiller,
  evaluationSlot,
  firstNonFinite,
  goesOn,
  initKey,
  isFiniteGuard,
  type NonFinite,
  nonFiniteParts,
  nonFiniteRule,
  type ReplicaCopy,
  type Slot,
  trainingSlot,
  viewer,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';

export interface ExecutorOptions extends BatchFillerOptions {
  readonly thread: number;
  readonly kernels: Kernels;
  /** Called in the middle of a training segment when the first `numBuckets` buckets of its exchange stand on this thread. */
  readonly onReady?: (numBuckets: number) => void;
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
  /** Makes the state of step 0 in one copy. */
  initialize(copy: ReplicaCopy): void;
  /** Runs a segment of step `step` (from 1) on all blocks of this thread. */
  runSegment(step: number, segment: number, copy: ReplicaCopy): void;
  /**
   * Turns the reduced sums into the next state, in the copy that the step has read, unless loss, gradients or that state are
   * not finite and the run is to stop then: `isUpdated` tells.
   */
  runUpdate(step: number, copy: ReplicaCopy): UpdateResult;
  /** Fills the blocks' evaluation sums for a whole split, after step `step`. */
  evaluate(step: number, split: SplitName, copy: ReplicaCopy): void;
}

export interface UpdateResult {
  /** False: the state is still that of the step before. */
  readonly isUpdated: boolean;
  /** What was not finite before the update. */
  readonly nonFinite?: NonFinite;
}

export function createExecutor(options: ExecutorOptions): Executor {
  const { programs, layout, config, dataset, thread, supply } = options;
  const view = viewer(options.buffer);
  const replica = layout.replica.map((slots) => slots.map(view));
  const own = layout.blocks.filter((block) => block.thread === thread);
  const blocks = own.map((block, i) => bindBlock(block, i === own.length - 1, options));
  const filler = supply === undefined ? createBatchFiller(options, own) : undefined;
  const updater = thread === 0 ? bindUpdate(options, blocks[0]!) : undefined;
  return {
    initialize(copy) {
      invariant(updater !== undefined, 'the first thread initialises');
      updater.init(copy);
    },
    runSegment(step, segment, copy) {
      const slot = trainingSlot(step);
      if (segment === 0) {
        supply?.await(0, slot);
        filler?.fillTraining(step, slot);
      }
      for (const block of blocks) block.training(copy, slot).run(segment);
    },
    runUpdate(step, copy) {
      invariant(updater !== undefined, 'the first thread updates');
      const last = blocks[0]!.training(copy, trainingSlot(step));
      last.run(last.numSegments - 1);
      return updater.update(step, copy);
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

  /** Blocks run one after the other, so the thread's buckets are complete when the last block's do. */
  function bindBlock(block: BlockLayout, isLast: boolean, { kernels, buffer, onReady }: ExecutorOptions) {
    const trained = Array.from({ length: programs.params.length + programs.state.length }, (_, i) => i);
    const inputs = (read: readonly number[], copy: ReplicaCopy, slot: BatchSlot): TypedArray[] => {
      const { columns, weights, keys } = block.batches[slot];
      return [...read.map((i) => replica[copy]![i]!), ...[...columns, weights, keys].map(view)];
    };
    const results = (slots: readonly (readonly Slot[])[]): Float32Array[][] =>
      slots.map((buckets) => buckets.map((bucket) => view(bucket) as Float32Array));
    const training = whenNeeded((copy, slot) =>
      instantiate(programs.shard(block.numShards), {
        kernels,
        buffer,
        byteOffset: block.arena,
        inputs: inputs(trained, copy, slot),
        results: results(layout.results),
        ...(isLast && onReady && { onReady: (_segment: number, numBuckets: number) => onReady(numBuckets) }),
      }),
    );
    const evaluation = whenNeeded((copy, slot) =>
      instantiate(programs.evaluation(block.numShards), {
        kernels,
        buffer,
        byteOffset: block.evaluationArena,
        inputs: inputs(programs.evaluated, copy, slot),
        results: results([[layout.evaluationResult]]),
      }),
    );
    return { layout: block, training, evaluation };
  }

  function bindUpdate({ kernels, buffer }: ExecutorOptions, block: ReturnType<typeof bindBlock>) {
    const key = view(layout.key) as Uint32Array;
    const step = view(layout.step);
    const guard = view(layout.guard);
    const rule = nonFiniteRule(config, programs);
    const at = (byteOffset: number) => ({ kernels, buffer, byteOffset, results: [] });
    const init = whenNeeded((copy) =>
      instantiate(programs.init, {
        ...at(layout.initArena),
        inputs: [key],
        outputs: replica[copy]!,
      }),
    );
    const update = whenNeeded((copy) => {
      const [numParams, numState] = [programs.params.length, programs.state.length];
      const own = replica[copy]!;
      const state = own.slice(numParams, numParams + numState);
      // The same whatever slot the step has read: neither gradients nor state are a part of a batch.
      const { outputs } = block.training(copy, 0);
      const gradients = outputs.slice(0, numParams);
      const instance = instantiate(programs.update, {
        ...at(layout.updateArena),
        inputs: [...own.filter((array) => !state.includes(array)), ...[...gradients, outputs.at(-1)!], step],
        outputs: [guard, view(layout.stepMetrics)],
      });
      const takeState = bindMoves(outputs.slice(numParams, numParams + numState), state);
      return { instance, takeState, gradients, state: own.slice(0, numParams + numState) };
    });
    /** What is not finite of step `at`; undefined where only the norm of its gradient has overflowed. */
    const look = (
      at: number,
      gradients: readonly TypedArray[],
      state: readonly TypedArray[],
    ): NonFinite | undefined => {
      const what = nonFiniteParts(programs, guard, gradients);
      if (what.length === 0) return undefined;
      const broken = rule === 'warn' ? undefined : firstNonFinite(programs, state);
      return broken === undefined
        ? { cause: 'step', step: at, what }
        : { cause: 'state', step: at - 1, what: [broken] };
    };
    return {
      init(copy: ReplicaCopy): void {
        key.set(initKey(config.seed));
        runAlone(init(copy));
      },
      update(committing: number, copy: ReplicaCopy): UpdateResult {
        const { instance, takeState, gradients, state } = update(copy);
        // Optimizers count the updates before this one.
        step[0] = committing - 1;
        instance.run(guardSegment);
        // From the next segment on the state is written over, so that it is decided here.
        const nonFinite = isFiniteGuard(guard) ? undefined : look(committing, gradients, state);
        if (nonFinite !== undefined && !goesOn(rule, nonFinite)) return { isUpdated: false, nonFinite };
        // What a step makes of the state may be the parameters that it has read.
        takeState();
        instance.run(updateSegment);
        return { isUpdated: true, ...(nonFinite && { nonFinite }) };
      },
    };
  }
}

/** Those of the update program. */
const [guardSegment, updateSegment] = [0, 1];

/** Copies arrays. What comes from a place that another is written to, as when two change places, is saved before. */
function bindMoves(from: readonly TypedArray[], to: readonly TypedArray[]): () => void {
  const moves = from.flatMap((source, i) => {
    const target = to[i]!;
    if (source === target) return [];
    return [{ source, saved: to.includes(source) ? source.slice() : undefined, target }];
  });
  return () => {
    for (const { source, saved } of moves) saved?.set(source);
    for (const { source, saved, target } of moves) target.set(saved ?? source);
  };
}

/** One for each copy and slot, made when it is first asked for: most runs never leave a copy. */
function whenNeeded<T>(
  make: (copy: ReplicaCopy, slot: BatchSlot) => T,
): (copy: ReplicaCopy, slot?: BatchSlot) => T {
  const made = new Map<number, T>();
  return (copy, slot = 0) => {
    const key = 2 * copy + slot;
    let found = made.get(key);
    if (found === undefined) {
      found = make(copy, slot);
      made.set(key, found);
    }
    return found;
  };
}
