/** Where a run's state, blocks and sums lie in the memory of its process. Every generation lays it out anew; the state stays where it is. */
import type { BoundBucket, ShardRange } from '@lockstep/collectives';
import type { Dataset, SplitName } from '@lockstep/data';
import { invariant } from '@lockstep/errors';
import { MIN_SCRATCH_BYTES, type Profile, type WasmMemory } from '@lockstep/kernels';
import {
  type BlockLayout,
  layoutWorker,
  type RecordForm,
  type RecordLayout,
  type RecordMode,
  type RunConfig,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { ThreadGroup } from '../compute/commands.ts';
import type { Pool } from '../compute/pool.ts';
import type { ProcessMemory } from '../compute/process-memory.ts';
import { bindBuckets } from '../exchange/buckets.ts';
import { type ExchangeSizes, largestEvaluation } from './exchange-sizes.ts';
import type { RunPlans } from './plans.ts';
import type { Replica } from './replica.ts';
import { divide } from './shards.ts';

export interface RunMemory {
  /**
   * Lays out memory and compute threads for a range of shards.
   *
   * @param group set where the threads may exchange by themselves
   * @returns the invitation to the lane that the first thread has for that, if it has one
   */
  configure(range: ShardRange, profile: Profile, group?: ThreadGroup): Promise<Uint8Array | undefined>;
  /** The buckets of an exchange of a training step. */
  buckets(exchange: number): readonly BoundBucket[];
  /** The sums of an evaluation, with a result of its own. */
  evaluationBucket(split: SplitName): BoundBucket;
  /** Metrics of the step that was updated last. */
  stepMetrics(): Record<string, number>;
  /** Copies the digests of the step that was updated last. Undefined if nothing is recorded. */
  recorded(): RecordedDigests | undefined;
  readonly numOwnShards: number;
}

export interface RecordedDigests {
  readonly form: RecordForm;
  /** The shards of each block whose digests there are. */
  readonly blocks: readonly ShardRange[];
  /** See `RecordLayout`. */
  readonly digests: Uint8Array<ArrayBuffer>;
  /** One digest of those that all members share. */
  readonly agreed: bigint;
}

export interface RunMemoryOptions {
  readonly plans: RunPlans;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  readonly sizes: ExchangeSizes;
  readonly replica: Pick<Replica, 'attach'>;
  readonly memory: ProcessMemory;
  readonly pool: Pick<Pool, 'numThreads' | 'configure'>;
  readonly record: RecordMode;
}

export function createRunMemory(options: RunMemoryOptions): RunMemory {
  const { plans, dataset, config, sizes, replica, pool, record } = options;
  const { programs } = plans;
  let memory: WasmMemory | undefined;
  let layout: WorkerLayout | undefined;
  let bound: readonly (readonly BoundBucket[])[] = [];
  let copyDigests: (() => RecordedDigests) | undefined;

  const laidOut = (): { memory: WasmMemory; layout: WorkerLayout } => {
    invariant(memory !== undefined && layout !== undefined, 'a generation lays out memory before it is used');
    return { memory, layout };
  };
  const floats = (byteOffset: number, size: number): Float32Array =>
    viewer(laidOut().memory.buffer)({ dtype: 'float32', shape: [size], byteOffset }) as Float32Array;

  return {
    async configure(range, profile, group) {
      const threads = divide(range, pool.numThreads);
      await plans.compileFor(threads);
      layout = layoutWorker({
        programs,
        threads,
        scratchBytes: MIN_SCRATCH_BYTES,
        evaluationSamples: largestEvaluation(dataset.splits),
        batchSize: config.batchSize,
        record,
      });
      memory = options.memory.of(layout.bytes);
      replica.attach(memory.buffer, layout);
      bound = bindBuckets(programs, layout, memory.buffer);
      copyDigests = layout.record && bindRecord(layout.record, layout.blocks, memory.buffer);
      return pool.configure(
        { programs: plans.set, layout, memory, dataset, config, profile, ...(group && { group }) },
        threads.length,
      );
    },
    buckets: (exchange) => bound[exchange]!,
    evaluationBucket(split) {
      const size = sizes.evaluationSize(dataset.splits[split]!.size);
      const partials = laidOut().layout.blocks.map(({ node, evaluationSums }) => ({
        node,
        data: floats(evaluationSums.byteOffset, size),
      }));
      return { op: 'sum', size, result: new Float32Array(size), partials };
    },
    stepMetrics() {
      const { byteOffset } = laidOut().layout.stepMetrics;
      const values = floats(byteOffset, programs.stepMetrics.length);
      return Object.fromEntries(programs.stepMetrics.map((name, i) => [name, values[i]!]));
    },
    recorded: () => copyDigests?.(),
    get numOwnShards() {
      return laidOut().layout.blocks.reduce((sum, { numShards }) => sum + numShards, 0);
    },
  };
}

/** Returns a function that copies the digests of a step. */
function bindRecord(
  { form, digests, agreed, blocks: places }: RecordLayout,
  blocks: readonly BlockLayout[],
  buffer: SharedArrayBuffer,
): () => RecordedDigests {
  const ranges = places.map((_, i) => {
    const { node, numShards } = blocks[i]!;
    return { start: node.index * numShards, count: numShards };
  });
  const bytes = new Uint8Array(buffer, digests.byteOffset, 8 * digests.shape[0]);
  const one = new BigUint64Array(buffer, agreed.byteOffset, 1);
  return () => ({ form, blocks: ranges, digests: new Uint8Array(bytes), agreed: one[0]! });
}
