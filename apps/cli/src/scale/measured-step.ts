/** Measures on this machine what a step of an experiment costs, for any division of its shards. */
import { describePlan } from '@lockstep/autodiff';
import type { ShardRange } from '@lockstep/collectives';
import { invariant } from '@lockstep/errors';
import { offeredProfiles } from '@lockstep/kernels';
import { assignShards, type Profile } from '@lockstep/protocol';
import type { Programs, RunConfig } from '@lockstep/run';
import { type ExchangedBucket, median, type StepCosts } from '@lockstep/scaling';
import { createLocalWorker, type LocalWorker, type RunOverrides } from '@lockstep/training';
import { divide } from '@lockstep/worker';
import type { ExperimentFile } from '../experiment-file.ts';
import { compileStep } from '../step-programs.ts';

export interface MeasuredStep {
  readonly config: RunConfig;
  readonly profile: Profile;
  /** The buckets of each exchange, in the order in which they leave. */
  readonly exchanges: readonly (readonly ExchangedBucket[])[];
  /** Runs steps with the shards divided over `numWorkers` workers of `threads` threads; one thread computes them in turn. */
  measure(numWorkers: number, threads: number): StepCosts;
}

/** How long the steps of one division are measured, and at least how many there are. */
const budgetMs = 1_500;
const leastSteps = 5;
const mostSteps = 60;

/**
 * Loads the data and compiles the programs of an experiment. Its errors have file and line.
 *
 * @throws LockstepError `config` for settings that the experiment cannot have, and what the experiment itself throws
 */
export async function prepareStep(file: ExperimentFile, overrides: RunOverrides): Promise<MeasuredStep> {
  const { config, dataset, programs, totalSteps, place } = await compileStep(file, overrides);
  const profile = offeredProfiles()[0];
  invariant(profile !== undefined, 'every machine offers a profile');
  return {
    config,
    profile,
    exchanges: place(() => exchangesOf(programs)),
    measure(numWorkers, threads) {
      const ranges = assignShards(config.numShards, new Array<number>(numWorkers).fill(1));
      const working = ranges.filter(({ count }) => count > 0);
      const ofThreads = working.map((range) => divide(range, threads));
      const clock = createClock();
      const worker = createLocalWorker(
        { dataset, config, profile, ranges: ofThreads.flat(), hooks: { onRan: clock.ran } },
        programs,
      );
      return costsOf(working, ofThreads, runSteps(worker, clock, totalSteps));
    },
  };
}

/** The buckets of the program of one shard: their sizes and their order are those of every block. */
function exchangesOf(programs: Programs): ExchangedBucket[][] {
  const plan = programs.shard(1);
  const { segments } = describePlan(plan);
  return plan.exchanges.map((buckets, segment) => {
    const flops = segments[segment]!.equations.map((equation) => equation.flops);
    const total = sum(flops);
    return buckets.map(({ op, size, readyAfter }) => ({
      ...{ op, size },
      readyAt: total === 0 ? 1 : sum(flops.slice(0, readyAfter)) / total,
    }));
  });
}

/**
 * Processor time of this process, in ms. One thread computes the steps, so on a quiet core it is the time that they take; other
 * programs that want the core do not count.
 */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

interface SegmentClock {
  begin(): void;
  /** A thread has run a segment; threads run one after the other. */
  readonly ran: () => void;
  /** The time of each segment of each thread, in the order in which they ran. */
  times(): readonly number[];
}

function createClock(): SegmentClock {
  let times: number[] = [];
  let before = 0;
  return {
    begin() {
      times = [];
      before = processorMs();
    },
    ran() {
      const now = processorMs();
      times.push(now - before);
      before = now;
    },
    times: () => times,
  };
}

interface StepTimes {
  /** By segment, then thread. */
  readonly segments: readonly number[];
  readonly combineMs: number;
  readonly updateMs: number;
}

function runSteps(worker: LocalWorker, clock: SegmentClock, totalSteps: number): readonly StepTimes[] {
  worker.initialize();
  const steps: StepTimes[] = [];
  const startMs = performance.now();
  // The first step also fills caches and compiles code.
  for (let step = 1; step <= Math.min(mostSteps, totalSteps); step++) {
    const first = processorMs();
    clock.begin();
    worker.runSegments(step);
    const combined = processorMs();
    const segments = clock.times();
    worker.update(step);
    const combineMs = combined - first - sum(segments);
    steps.push({ segments, combineMs, updateMs: processorMs() - combined });
    if (step > leastSteps && performance.now() - startMs > budgetMs) break;
  }
  return steps.length > 1 ? steps.slice(1) : steps;
}

/** Medians over steps, and over workers with as many shards: they compute blocks of the same sizes. */
function costsOf(
  ranges: readonly ShardRange[],
  ofThreads: readonly (readonly ShardRange[])[],
  steps: readonly StepTimes[],
): StepCosts {
  const numThreads = ofThreads.flat().length;
  const numSegments = steps[0]!.segments.length / numThreads;
  const firsts = ofThreads.map((_, rank) => ofThreads.slice(0, rank).flat().length);
  const ofWorker = ({ segments }: StepTimes, rank: number, segment: number): number => {
    const first = segment * numThreads + firsts[rank]!;
    return Math.max(...segments.slice(first, first + ofThreads[rank]!.length));
  };
  const medianOf = (count: number, segment: number): number =>
    median(
      ranges.flatMap((range, rank) =>
        range.count === count ? steps.map((step) => ofWorker(step, rank, segment)) : [],
      ),
    )!;
  return {
    ranges,
    segmentMs: ranges.map(({ count }) =>
      Array.from({ length: numSegments }, (_, segment) => medianOf(count, segment)),
    ),
    combineMs: median(steps.map((step) => step.combineMs))!,
    updateMs: median(steps.map((step) => step.updateMs))!,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
