/** Initialisation and updates of the replica, on the first thread of a worker. */
import { instantiate, runAlone } from '@lockstep/autodiff';
import {
  firstNonFinite,
  goesOn,
  initInputs,
  initKey,
  isFiniteGuard,
  type NonFinite,
  nonFiniteParts,
  nonFiniteRule,
  packArrays,
  type ReplicaCopy,
  type RunConfig,
  replicaGroups,
  unpack,
  updateSignature,
  viewer,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import type { BlockOptions, BoundBlock } from './bound-block.ts';
import type { UpdateHistograms } from './histograms.ts';
import { perCopy } from './per-copy.ts';

export interface UpdateResult {
  /** False if the state is still that of the step before. */
  readonly isUpdated: boolean;
  /** What was not finite before the update; absent if everything was. */
  readonly nonFinite?: NonFinite;
  /** Of the update, where they were asked for and it was made. */
  readonly histograms?: UpdateHistograms;
}

export interface Updater {
  /** Makes the state of step 0 in a copy of the replica. */
  initialize(copy: ReplicaCopy): void;
  /**
   * Applies the update of step `step`, from 1. If the step is not finite and the run must stop then, the state stays.
   */
  update(step: number, copy: ReplicaCopy): UpdateResult;
}

/** Segments of the update program. */
const [guardSegment, updateSegment] = [0, 1];

/** `block` is any block of the worker: all of them have the reduced sums and compute the same state. */
export function createUpdater(
  options: BlockOptions & { readonly config: RunConfig },
  block: BoundBlock,
): Updater {
  const { programs, layout, config, replica } = options;
  const view = viewer(options.buffer);
  const key = view(layout.key);
  const rule = nonFiniteRule(config, programs);
  const init = perCopy((copy) =>
    instantiate(programs.init, {
      ...at(options, layout.initArena),
      inputs: packArrays(initInputs, { key }),
      outputs: replica[copy]!,
    }),
  );
  const update = perCopy((copy) => bindUpdate(options, block, copy));

  /** What is not finite in step `step`; undefined if only the norm of its gradient has overflowed. */
  const lookAt = (step: number, copy: ReplicaCopy): NonFinite | undefined => {
    const { guard, gradientSums } = update(copy);
    const what = nonFiniteParts(programs, guard, gradientSums);
    if (what.length === 0) return undefined;
    const broken = rule === 'warn' ? undefined : firstNonFinite(programs, replica[copy]!);
    return broken === undefined
      ? { cause: 'step', step, what }
      : { cause: 'state', step: step - 1, what: [broken] };
  };
  return {
    initialize(copy) {
      key.set(initKey(config.seed));
      runAlone(init(copy));
    },
    update(step, copy) {
      const { instance, numUpdates, guard, takeState } = update(copy);
      numUpdates[0] = step - 1;
      instance.run(guardSegment);
      // The next segment overwrites the state, so the decision falls here.
      const nonFinite = isFiniteGuard(guard) ? undefined : lookAt(step, copy);
      if (nonFinite !== undefined && !goesOn(rule, nonFinite)) return { isUpdated: false, nonFinite };
      // The model's next state may be the parameters that the step has read, which the update overwrites.
      takeState();
      instance.run(updateSegment);
      return { isUpdated: true, ...(nonFinite && { nonFinite }) };
    },
  };
}

const at = ({ kernels, buffer }: BlockOptions, byteOffset: number) => ({
  ...{ kernels, buffer, byteOffset },
  results: [],
});

function bindUpdate(options: BlockOptions, block: BoundBlock, copy: ReplicaCopy) {
  const { programs, layout, replica, buffer } = options;
  const view = viewer(buffer);
  const [guard, numUpdates] = [view(layout.guard), view(layout.step)];
  const { params, state, optState } = unpack(replicaGroups(programs), replica[copy]!);
  const { gradientSums, sums, state: nextState } = block.outputs(copy);
  const { inputs, given } = updateSignature(programs);
  const instance = instantiate(programs.update, {
    ...at(options, layout.updateArena),
    inputs: packArrays(inputs, { params, optState, gradientSums, sums, step: numUpdates }),
    outputs: packArrays(given, { guard, stepMetrics: view(layout.stepMetrics) }),
  });
  return { instance, numUpdates, guard, gradientSums, takeState: bindMoves(nextState, state) };
}

/** Copies arrays. A source that is also a target, as when two arrays change places, is saved before it is overwritten. */
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
