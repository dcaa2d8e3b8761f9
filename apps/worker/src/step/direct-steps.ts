/** Whole steps on the compute threads, which exchange by themselves: one order and one answer for each step. */
import { invariant } from '@lockstep/errors';
import type { Logger } from 'pino';
import { clockMs } from '../clock.ts';
import type { Pool } from '../compute/pool.ts';
import type { JobQueue } from '../run/job-queue.ts';
import type { Tracer } from '../tracer.ts';
import type { StepRunner, StepTimes, TrainingJob } from './step-runner.ts';

export interface DirectStepsOptions {
  readonly generation: number;
  readonly jobs: Pick<JobQueue, 'add'>;
  readonly pool: Pick<Pool, 'runStep'>;
  readonly tracer: Pick<Tracer, 'exchanged'>;
  readonly log: Pick<Logger, 'info'>;
  readonly isAborted: () => boolean;
  readonly jobOf: (step: number) => TrainingJob;
}

/**
 * The first segment runs the whole step. Its other segments and its exchanges are done by then, and end as soon as the machine
 * asks for them: the machine, which knows nothing of direct steps, hears of them one by one. Running ahead of the machine is
 * harmless. Segments change no state, and the update begins only when the machine asks for it.
 */
export function createDirectSteps(options: DirectStepsOptions): StepRunner {
  const { generation, jobs, pool, tracer, log, isAborted, jobOf } = options;
  let isTold = false;
  let ended: { readonly step: number; readonly times: StepTimes } | undefined;

  const run = async (step: number): Promise<void> => {
    if (!isTold) log.info({ generation, step }, 'steps are exchanged directly');
    isTold = true;
    const startMs = clockMs();
    const ran = await pool.runStep({ ...jobOf(step), order: 'step' });
    const { isComplete, computeMs, times, buckets = [] } = ran;
    for (const bucket of buckets) tracer.exchanged(bucket);
    ended = isComplete && times !== undefined ? { step, times: { startMs, computeMs, ...times } } : undefined;
  };
  return {
    runSegment(step, segment, onDone) {
      if (segment > 0) return onDone();
      jobs.add(async () => {
        if (!isAborted()) await run(step);
        onDone();
      });
    },
    exchange(step, _exchange, onDone) {
      invariant(ended?.step === step, 'only a step that was not aborted goes on to its exchanges', { step });
      onDone();
    },
    takeTimes() {
      invariant(ended !== undefined, 'a step has times when its exchanges are done');
      return ended.times;
    },
  };
}
