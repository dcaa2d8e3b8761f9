/**
 * Training in one process and one thread, over any division of the shards: the same programs, blocks and tree as on a
 * cluster, without sockets. What the cluster must reproduce to the byte.
 */
import {
  combineAt,
  combineTree,
  createScratch,
  type NodePartial,
  rootOf,
  type ShardRange,
} from '@lockstep/collectives';
import type { Dataset, SplitName } from '@lockstep/data';
import { createKernels, createMemory, MIN_SCRATCH_BYTES, type Profile } from '@lockstep/kernels';
import {
  afterEvaluation,
  combineWith,
  createSchedule,
  evaluationMetrics,
  fingerprint,
  firstNonFinite,
  initialProgress,
  layoutWorker,
  type NonFinite,
  nonFiniteRule,
  type Progress,
  type ReplicaCopy,
  type RunConfig,
  type Variable,
  viewer,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import { createExecutor } from './executor.ts';
import type { Experiment } from './experiment.ts';
import { compilePrograms } from './programs.ts';

export interface LocalOptions {
  readonly experiment: Experiment;
  readonly dataset: Dataset;
  readonly config: RunConfig;
  /** Contiguous runs of shards, as workers or threads would own them. Default: all in one. */
  readonly ranges?: readonly ShardRange[];
  /** Default `portable`. */
  readonly profile?: Profile;
  /** Where kernels come from. Default: the fastest of the profile. */
  readonly createKernels?: typeof createKernels;
  readonly onStep?: (step: number, metrics: Readonly<Record<string, number>>) => void;
}

export interface LocalResult {
  readonly steps: number;
  readonly fingerprint: string;
  /** Training metrics by step. */
  readonly history: readonly Readonly<Record<string, number>>[];
  /** The best evaluation on the way, and whether early stopping ended the run. */
  readonly progress: Progress;
  /** What stopped the run: `steps` is then the last finite step, and its state is given. */
  readonly nonFinite?: NonFinite;
  /** Of the evaluation at the end, which a run that was stopped has not. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly variables: readonly Variable[];
  readonly arrays: readonly TypedArray[];
  /** The optimizer's state by name: it is in no fingerprint. */
  readonly optState: Readonly<Record<string, TypedArray>>;
}

/** An update that made the state non-finite shows later, if at all: then the run is done again, with a look after each update. */
export function trainLocally(options: LocalOptions): LocalResult {
  const { onStep: _told, ...again } = options;
  const result = trainOnce(options, false);
  return result.nonFinite?.cause === 'state' ? trainOnce(again, true) : result;
}

function trainOnce(options: LocalOptions, isCareful: boolean): LocalResult {
  const { experiment, dataset, config, profile = 'portable', onStep } = options;
  const ranges = options.ranges ?? [{ start: 0, count: config.numShards }];
  const { validation, test, train } = dataset.splits;
  const schedule = createSchedule(config, train.size, validation !== undefined);
  const programs = compilePrograms(experiment, dataset, config, schedule.totalSteps);
  const layout = layoutWorker({
    programs,
    threads: ranges,
    scratchBytes: MIN_SCRATCH_BYTES,
    evaluationSamples: Math.max(validation?.size ?? 0, test?.size ?? 0),
    batchSize: config.batchSize,
  });
  const memory = createMemory(layout.bytes);
  const view = viewer(memory.buffer);
  const create = options.createKernels ?? createKernels;
  const kernels = ranges.map((_, thread) =>
    create({
      memory,
      scratchOffset: layout.scratch[thread]!,
      scratchBytes: MIN_SCRATCH_BYTES,
      profile,
    }),
  );
  const executors = kernels.map((own, thread) =>
    createExecutor({ programs, layout, thread, buffer: memory.buffer, kernels: own, dataset, config }),
  );
  const combine = combineWith(kernels[0]!);
  const scratch = createScratch();
  const root = rootOf(config.numShards);
  const numSegments = programs.shard(layout.blocks[0]!.numShards).exchanges.length;

  // The other copy of the replica is for what comes from elsewhere.
  const copy: ReplicaCopy = 0;
  let step = 0;
  const exchange = (segment: number): void => {
    for (const [bucket, result] of layout.results[segment]!.entries()) {
      const partials = layout.blocks.map(({ node, numShards, arena }): NodePartial => {
        const { byteOffset, size } = programs.shard(numShards).exchanges[segment]![bucket]!;
        return {
          node,
          data: view({ dtype: 'float32', shape: [size], byteOffset: arena + byteOffset }) as Float32Array,
        };
      });
      const { op } = programs.shard(layout.blocks[0]!.numShards).exchanges[segment]![bucket]!;
      combineAt(root, partials, { op, combine, scratch }, view(result) as Float32Array);
    }
  };
  const evaluate = (name: SplitName): Record<string, number> => {
    for (const executor of executors) executor.evaluate(step, name, copy);
    const width = programs.evaluationMetrics.length + 1;
    const batches = Math.ceil(dataset.splits[name]!.size / config.batchSize);
    const partials = layout.blocks.map(
      ({ node, evaluationSums }): NodePartial => ({
        node,
        data: (view(evaluationSums) as Float32Array).subarray(0, batches * width),
      }),
    );
    const sums = combineTree(partials, config.numShards, 'sum', combine);
    return evaluationMetrics(programs.evaluationMetrics, sums, name);
  };

  const spare = layout.replica[1].map(view);
  const current = layout.replica[copy].map(view);
  const broken = (): string | undefined =>
    nonFiniteRule(config, programs) === 'warn' ? undefined : firstNonFinite(programs, current);
  /** The update of step `of`; what keeps it from being done, or has it taken back. */
  const update = (of: number): NonFinite | undefined => {
    if (isCareful) for (const [i, array] of current.entries()) spare[i]!.set(array);
    const { isUpdated, nonFinite } = executors[0]!.runUpdate(of, copy);
    const found = isCareful && isUpdated ? broken() : undefined;
    if (found === undefined) return isUpdated ? undefined : nonFinite;
    for (const [i, array] of current.entries()) array.set(spare[i]!);
    return { cause: 'update', step: of, what: [found] };
  };

  let nonFinite: NonFinite | undefined;
  let progress = initialProgress;
  const history: Record<string, number>[] = [];
  executors[0]!.initialize(copy);
  while (step < schedule.totalSteps && !progress.stopped) {
    step++;
    for (let segment = 0; segment < numSegments; segment++) {
      for (const executor of executors) executor.runSegment(step, segment, copy);
      exchange(segment);
    }
    nonFinite = update(step);
    if (nonFinite !== undefined) {
      step--;
      break;
    }
    const values = view(layout.stepMetrics);
    const metrics = Object.fromEntries(programs.stepMetrics.map((name, i) => [name, values[i]!]));
    history.push(metrics);
    onStep?.(step, metrics);
    if (schedule.at(step).evaluate) {
      progress = afterEvaluation(progress, step, evaluate('validation'), experiment.earlyStopping);
    }
  }
  const last = nonFinite === undefined ? broken() : undefined;
  if (last !== undefined) nonFinite = { cause: 'state', step, what: [last] };
  const variables = [...programs.params, ...programs.state];
  const replica = layout.replica[copy].map((slot) => view(slot).slice());
  const arrays = replica.slice(0, variables.length);
  const optState = programs.optState.map(({ name }, i) => [name, replica[variables.length + i]!] as const);
  const final = test ? 'test' : validation ? 'validation' : undefined;
  return {
    steps: step,
    fingerprint: fingerprint(variables, arrays),
    history,
    progress,
    ...(nonFinite && { nonFinite }),
    metrics: final === undefined || nonFinite !== undefined ? {} : evaluate(final),
    variables,
    arrays,
    optState: Object.fromEntries(optState),
  };
}
