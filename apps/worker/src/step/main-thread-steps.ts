/** Steps whose segments are orders of their own, with exchanges by the worker's main thread. */

import type { BoundBucket } from '@lockstep/collectives';
import { clockMs } from '../clock.ts';
import type { Pool } from '../compute/pool.ts';
import type { Reductions } from '../exchange/reductions.ts';
import type { JobQueue } from '../run/job-queue.ts';
import type { StepRunner, TrainingJob } from './step-runner.ts';

export interface MainThreadStepsOptions {
  readonly jobs: Pick<JobQueue, 'add'>;
  readonly pool: Pick<Pool, 'runAll'>;
  readonly reductions: Pick<Reductions, 'start' | 'reduce' | 'takeTimes'>;
  readonly bucketsOf: (exchange: number) => readonly BoundBucket[];
  readonly jobOf: (step: number) => TrainingJob;
  readonly fail: (error: unknown) => void;
}

export function createMainThreadSteps(options: MainThreadStepsOptions): StepRunner {
  const { jobs, pool, reductions, bucketsOf, jobOf, fail } = options;
  let startMs = 0;
  let computeMs = 0;
  /** Reduces buckets that are complete before their segment ends. */
  const startEarly = (step: number, exchange: number): ((numBuckets: number) => void) => {
    const buckets = bucketsOf(exchange);
    return (numBuckets) => {
      try {
        reductions.start(step, exchange, buckets, numBuckets);
      } catch (error) {
        fail(error);
      }
    };
  };
  return {
    runSegment: (step, segment, onDone) =>
      jobs.add(async () => {
        if (segment === 0) {
          startMs = clockMs();
          computeMs = 0;
          reductions.takeTimes();
        }
        const job = { ...jobOf(step), order: 'segment', segment } as const;
        computeMs += await pool.runAll(job, startEarly(step, segment));
        onDone();
      }),
    exchange: (step, exchange, onDone) => reductions.reduce(step, exchange, bucketsOf(exchange), onDone),
    takeTimes: () => ({ startMs, computeMs, ...reductions.takeTimes() }),
  };
}
