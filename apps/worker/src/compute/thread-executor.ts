/** The executor of one compute thread, with kernels and memory of its own in the worker's shared memory. */
import { createKernels, MIN_SCRATCH_BYTES } from '@lockstep/kernels';
import { importPrograms } from '@lockstep/run';
import {
  type BatchSupply,
  createExecutor,
  type Executor,
  type ExecutorHooks,
  type FaultPlace,
} from '@lockstep/training';
import type { Configuration } from './commands.ts';

export interface ThreadExecutorOptions {
  readonly thread: number;
  /** Called while a segment runs, when the first `numBuckets` buckets of its exchange are complete on this thread. */
  readonly onReady: (numBuckets: number) => void;
  /** Set where another thread loads the batches. */
  readonly supply?: BatchSupply;
  readonly makeHooks?: MakeExecutorHooks | undefined;
}

/** Makes the hooks of a thread's executor in a generation. */
export type MakeExecutorHooks = (place: FaultPlace) => ExecutorHooks | undefined;

export function createThreadExecutor(
  { programs, layout, memory, dataset, config, profile }: Configuration,
  { thread, onReady, supply, makeHooks }: ThreadExecutorOptions,
): Executor {
  const { buffer } = memory;
  const bound = importPrograms(programs);
  const hooks = makeHooks?.({ programs: bound, layout, buffer, thread });
  const kernels = createKernels({
    memory,
    scratchOffset: layout.scratch[thread]!,
    scratchBytes: MIN_SCRATCH_BYTES,
    profile,
  });
  return createExecutor({
    ...{ programs: bound, layout, thread, buffer },
    ...{ kernels, dataset, config, onReady },
    ...(supply && { supply }),
    ...(hooks && { hooks }),
  });
}
