/**
 * A run, as one worker sees it: the loaded experiment, the worker's replica of the state, what it has done so far, and its jobs.
 * A run begins when the experiment is loaded. It can end while the process with its sockets and threads stays for the next one.
 */
import type { Dataset, SplitName } from '@lockstep/data';
import type { Pause, ProgramOutline } from '@lockstep/protocol';
import {
  createSchedule,
  type EarlyStopping,
  type NonFiniteRule,
  nonFiniteRule,
  type Programs,
  placeInSource,
  type RecordMode,
  type RunConfig,
  type Schedule,
} from '@lockstep/run';
import type { Compiler } from '../compiler/compiler.ts';
import type { Pool } from '../compute/pool.ts';
import type { ProcessMemory } from '../compute/process-memory.ts';
import { createEarlyFrames, type EarlyFrames } from './early-frames.ts';
import { type ExchangeSizes, exchangeSizes } from './exchange-sizes.ts';
import { createJobQueue, type JobQueue } from './job-queue.ts';
import { createPlans } from './plans.ts';
import { createReplica, type Replica } from './replica.ts';
import { createRunMemory, type RunMemory } from './run-memory.ts';
import { createTally, type Tally } from './tally.ts';

export interface Run {
  readonly name: string;
  readonly config: RunConfig;
  readonly dataset: Dataset;
  readonly programs: Programs;
  readonly schedule: Schedule;
  readonly earlyStopping: EarlyStopping | undefined;
  readonly nonFiniteRule: NonFiniteRule;
  /** The split that is evaluated when the run ends at a step, or pauses there. */
  finalSplit(step: number): SplitName | undefined;
  readonly sizes: ExchangeSizes;
  /** For the protocol's machine. */
  readonly outline: ProgramOutline;
  readonly replica: Replica;
  readonly memory: RunMemory;
  readonly early: EarlyFrames;
  readonly tally: Tally;
  readonly jobs: JobQueue;
  /** Whether reports of fingerprint steps have histograms. */
  readonly histograms: boolean;
  /** Names the operation that is not finite in step `step`, which begins from the current state. */
  search(step: number): Promise<string>;
  /** Ends the run. Resolves when no job of it uses the compute threads any more. */
  close(): Promise<void>;
}

export interface RunOptions {
  readonly name: string;
  /** The experiment's code, with its SHA-256 in hexadecimal. */
  readonly bundle: Uint8Array;
  readonly hash: string;
  readonly config: RunConfig;
  /** What is recorded of each step. */
  readonly record: RecordMode;
  /** Whether reports of fingerprint steps have histograms. Default: false. */
  readonly histograms?: boolean;
  /** Whether the state at the end becomes a checkpoint. Default true. */
  readonly finalCheckpoint?: boolean;
  /** Where the run stops to go on later. */
  readonly pause?: Pause | undefined;
}

/** What a run uses of its process. */
export interface RunHost {
  readonly compiler: Pick<Compiler, 'load' | 'plan' | 'search'>;
  readonly pool: Pick<Pool, 'numThreads' | 'configure'>;
  readonly memory: ProcessMemory;
  /** Called with the error of a job. */
  fail(error: unknown): void;
}

/** Rejects with what is wrong with the experiment or its data. */
export async function openRun(options: RunOptions, { compiler, pool, memory, fail }: RunHost): Promise<Run> {
  const { name, bundle, hash, config, record, histograms = false } = options;
  const { finalCheckpoint = true, pause } = options;
  const { dataset, programs: compiled, earlyStopping, hashes } = await compiler.load(bundle, hash, config);
  const plans = createPlans(compiled, compiler);
  const { programs } = plans;
  const { train, validation, test } = dataset.splits;
  const shown = pause === undefined ? config : { ...config, until: pause.step };
  const schedule = createSchedule(shown, train.size, validation !== undefined);
  const sizes = exchangeSizes(programs, dataset, config);
  const replica = createReplica(programs);
  const lastSplit = test ? 'test' : validation ? 'validation' : undefined;
  const pauseSplit = pause && dataset.splits[pause.split] ? pause.split : lastSplit;
  const jobs = createJobQueue(fail);
  return {
    name,
    config,
    dataset,
    programs,
    schedule,
    earlyStopping,
    nonFiniteRule: nonFiniteRule(config, programs),
    finalSplit: (step) => (step === pause?.step ? pauseSplit : lastSplit),
    sizes,
    outline: {
      numSegments: sizes.buckets.length,
      plan: (step) => schedule.at(step),
      finalEvaluation: lastSplit !== undefined,
      finalCheckpoint,
      dataHash: dataset.hash,
      programs: hashes,
    },
    replica,
    memory: createRunMemory({ plans, dataset, config, sizes, replica, memory, pool, record }),
    early: createEarlyFrames(sizes.maxHeldBytes),
    tally: createTally(),
    jobs,
    histograms,
    async search(step) {
      const { message, site } = await compiler.search(step, replica.trained());
      if (site === undefined) return message;
      const place = placeInSource(bundle, hash, site);
      // Layers call operations where the experiment's own code has no line.
      return place === undefined ? message.replace(`, called at ${site}`, '') : message.replace(site, place);
    },
    close: () => jobs.close(),
  };
}
