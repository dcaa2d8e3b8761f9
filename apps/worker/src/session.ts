/** What a worker has once the experiment is loaded: data, programs, the plan of the run, threads and the replica. */
import {
  alignedSubtrees,
  type BoundBucket,
  createHeldFrames,
  type HeldFrames,
  type ShardRange,
} from '@lockstep/collectives';
import type { Dataset, SplitName } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { createMemory, MIN_SCRATCH_BYTES, type Profile, type WasmMemory } from '@lockstep/kernels';
import type { ProgramOutline } from '@lockstep/protocol';
import {
  createSchedule,
  type EarlyStopping,
  importPrograms,
  layoutWorker,
  type NonFiniteRule,
  nonFiniteRule,
  type Programs,
  placeInSource,
  type RunConfig,
  type Schedule,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { Compiler } from './compiler/compiler.ts';
import type { ThreadGroup } from './compute/commands.ts';
import type { Pool } from './compute/pool.ts';
import { bindBuckets } from './exchange-parts.ts';
import { maxHeldBytes as boundOfHeldBytes } from './held-bytes.ts';
import { createReplica, type Replica } from './replica.ts';
import { divide } from './shards.ts';

export interface Session {
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly programs: Programs;
  readonly schedule: Schedule;
  readonly earlyStopping: EarlyStopping | undefined;
  readonly replica: Replica;
  readonly nonFiniteRule: NonFiniteRule;
  /** Names the operation that is not finite in step `step`, which begins from the current state. */
  search(step: number): Promise<string>;
  readonly outline: ProgramOutline;
  /** Frames from peers that are ahead; of all generations. */
  readonly held: HeldFrames;
  /** Bytes of all vectors of the largest training exchange. */
  readonly largestExchange: number;
  /** Evaluated when the run ends. */
  readonly finalSplit: SplitName | undefined;
  /** Bytes of the largest evaluation's sums. */
  readonly evaluationBytes: number;
  /** A bound on held frames. */
  readonly maxHeldBytes: number;
  /** Sizes of the vectors of each training exchange. */
  readonly exchangeSizes: readonly (readonly number[])[];
  /**
   * Lays out memory and threads for a range of shards. `group`: the threads may exchange by themselves. Gives the invitation to
   * the lane that they have for it.
   */
  configure(range: ShardRange, profile: Profile, group?: ThreadGroup): Promise<Uint8Array | undefined>;
  buckets(segment: number): readonly BoundBucket[];
  evaluationBucket(split: SplitName): BoundBucket;
  stepMetrics(): Record<string, number>;
  readonly numOwnShards: number;
}

export async function openSession(
  {
    bundle,
    hash,
    config,
  }: { readonly bundle: Uint8Array; readonly hash: string; readonly config: RunConfig },
  compiler: Compiler,
  pool: Pool,
): Promise<Session> {
  const { dataset, programs: compiled, earlyStopping, hashes } = await compiler.load(bundle, hash, config);
  const shardPlans = new Map(compiled.shardPlans);
  const evaluationPlans = new Map(compiled.evaluationPlans);
  const programSet = { ...compiled, shardPlans, evaluationPlans };
  const programs = importPrograms(programSet);
  const { train, validation, test } = dataset.splits;
  const schedule = createSchedule(config, train.size, validation !== undefined);
  const { exchanges } = programs.shard(1);
  const numSegments = exchanges.length;
  const largestEvaluation = Math.max(validation?.size ?? 0, test?.size ?? 0);
  const sumsOf = (numSamples: number): number =>
    Math.ceil(numSamples / config.batchSize) * (programs.evaluationMetrics.length + 1);
  const exchangeSizes = exchanges.map((buckets) => buckets.map(({ size }) => size));
  const evaluationBytes = 4 * sumsOf(largestEvaluation);
  const exchangeBytes = exchangeSizes.map((sizes) => 4 * sizes.reduce((sum, size) => sum + size, 0));
  const maxHeldBytes = boundOfHeldBytes([...exchangeBytes, evaluationBytes], config.numShards);
  const replica = createReplica(programs);
  const finalSplit = test ? 'test' : validation ? 'validation' : undefined;
  let memory: WasmMemory | undefined;
  let layout: WorkerLayout | undefined;
  let buckets: readonly (readonly BoundBucket[])[] = [];

  const laidOut = (): { memory: WasmMemory; layout: WorkerLayout } => {
    if (memory === undefined || layout === undefined) {
      throw new LockstepError('internal', 'a worker without a generation has no memory laid out');
    }
    return { memory, layout };
  };
  const viewFloats = (byteOffset: number, size: number): Float32Array =>
    viewer(laidOut().memory.buffer)({ dtype: 'float32', shape: [size], byteOffset }) as Float32Array;

  /** Asks for the plans of block sizes that no generation had before. */
  const compileFor = async (threads: readonly ShardRange[]): Promise<void> => {
    const sizes = new Set(threads.flatMap(alignedSubtrees).map(({ level }) => 1 << level));
    const missing = [...sizes].filter((size) => !shardPlans.has(size));
    if (missing.length === 0) return;
    const plans = await compiler.plan(missing);
    for (const [size, plan] of plans.shardPlans) shardPlans.set(size, plan);
    for (const [size, plan] of plans.evaluationPlans) evaluationPlans.set(size, plan);
  };

  return {
    config,
    dataset,
    programs,
    schedule,
    earlyStopping,
    replica,
    nonFiniteRule: nonFiniteRule(config, programs),
    search: async (step) => {
      const { message, site } = await compiler.search(step, replica.trained());
      if (site === undefined) return message;
      const place = placeInSource(bundle, hash, site);
      // Layers call operations where the experiment's own code has no line.
      return place === undefined ? message.replace(`, called at ${site}`, '') : message.replace(site, place);
    },
    held: createHeldFrames(maxHeldBytes),
    maxHeldBytes,
    exchangeSizes,
    largestExchange: Math.max(...exchangeBytes),
    evaluationBytes,
    finalSplit,
    outline: {
      numSegments,
      plan: (step) => schedule.at(step),
      finalEvaluation: finalSplit !== undefined,
      dataHash: dataset.hash,
      programs: hashes,
    },
    get numOwnShards() {
      return laidOut().layout.blocks.reduce((sum, { numShards }) => sum + numShards, 0);
    },
    async configure(range, profile, group) {
      const threads = divide(range, pool.numThreads);
      await compileFor(threads);
      layout = layoutWorker({
        programs,
        threads,
        scratchBytes: MIN_SCRATCH_BYTES,
        evaluationSamples: largestEvaluation,
        batchSize: config.batchSize,
      });
      memory = enlarge(memory, layout.bytes);
      replica.attach(memory.buffer, layout);
      buckets = bindBuckets(programs, layout, memory.buffer);
      return pool.configure(
        { programs: programSet, layout, memory, dataset, config, profile, ...(group && { group }) },
        threads.length,
      );
    },
    buckets: (segment) => buckets[segment]!,
    evaluationBucket(split) {
      const { layout: current } = laidOut();
      const size = sumsOf(dataset.splits[split]!.size);
      return {
        op: 'sum',
        size,
        result: new Float32Array(size),
        partials: current.blocks.map(({ node, evaluationSums }) => ({
          node,
          data: viewFloats(evaluationSums.byteOffset, size),
        })),
      };
    },
    stepMetrics() {
      const { byteOffset } = laidOut().layout.stepMetrics;
      const values = viewFloats(byteOffset, programs.stepMetrics.length);
      return Object.fromEntries(programs.stepMetrics.map((name, i) => [name, values[i]!]));
    },
  };
}

const pageBytes = 65536;

/** A memory of at least `bytes`; what lies in it stays where it is. */
function enlarge(memory: WasmMemory | undefined, bytes: number): WasmMemory {
  if (memory === undefined) return createMemory(bytes);
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
  if (missing > 0) memory.grow(missing);
  return memory;
}
