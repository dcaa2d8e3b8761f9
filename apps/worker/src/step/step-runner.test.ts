import { LockstepError } from '@lockstep/errors';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { RanStep } from '../compute/pool.ts';
import { createDirectSteps } from './direct-steps.ts';
import { createMainThreadSteps } from './main-thread-steps.ts';
import { chooseByStep, type StepRunner } from './step-runner.ts';

const times = { waitMs: 1, networkMs: 2, sentBytes: 3, receivedBytes: 4 };
const whole: RanStep = { isComplete: true, segments: [], computeMs: 5, times };
const jobOf = (step: number) => ({ step, copy: 0, nextStep: step + 1 }) as const;

/** Both ways of a step over one list of calls; jobs run when they are told to. */
function ways(ran: RanStep = whole) {
  const calls: string[] = [];
  const jobs: (() => Promise<void> | void)[] = [];
  const queue = { add: (job: () => Promise<void> | void) => void jobs.push(job) };
  let isAborted = false;
  const direct = createDirectSteps({
    generation: 1,
    jobs: queue,
    jobOf,
    isAborted: () => isAborted,
    pool: {
      async runStep({ step }) {
        calls.push(`whole step ${step}`);
        return ran;
      },
    },
    tracer: { exchanged: () => undefined },
    log: pino({ level: 'silent' }),
  });
  const mainThread = createMainThreadSteps({
    jobs: queue,
    jobOf,
    bucketsOf: () => [],
    pool: {
      async runAll({ step, segment }) {
        calls.push(`segment ${segment} of step ${step}`);
        return 10;
      },
    },
    reductions: {
      start: () => undefined,
      reduce(step, exchange, _buckets, onDone) {
        calls.push(`exchange ${exchange} of step ${step}`);
        onDone();
      },
      takeTimes: () => times,
    },
    fail: (error) => expect.unreachable(String(error)),
  });
  const runJobs = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await job();
  };
  const abort = (): void => {
    isAborted = true;
  };
  return { direct, mainThread, calls, runJobs, abort };
}

/** Runs a step of two segments as the machine asks for it, and gives its times. */
async function runStep(runner: StepRunner, step: number, runJobs: () => Promise<void>) {
  for (const segment of [0, 1]) {
    for (const what of ['runSegment', 'exchange'] as const) {
      const done = new Promise<void>((resolve) => runner[what](step, segment, resolve));
      await runJobs();
      await done;
    }
  }
  return runner.takeTimes();
}

it('all segments and exchanges of a step take the way on which its first segment went', async () => {
  const { direct, mainThread, calls, runJobs } = ways();
  const asked: number[] = [];
  const runner = chooseByStep({ direct, mainThread }, (step) => {
    asked.push(step);
    return step > 1;
  });
  const first = await runStep(runner, 1, runJobs);
  const second = await runStep(runner, 2, runJobs);
  expect(asked).toEqual([1, 2]);
  expect(calls).toEqual([
    ...['segment 0 of step 1', 'exchange 0 of step 1', 'segment 1 of step 1', 'exchange 1 of step 1'],
    'whole step 2',
  ]);
  expect(first).toMatchObject({ computeMs: 20, ...times });
  expect(second).toMatchObject({ computeMs: 5, ...times });
});

it('a direct step that is aborted before its job begins is not run, and its segment ends', async () => {
  const { direct, calls, runJobs, abort } = ways();
  let isDone = false;
  direct.runSegment(1, 0, () => {
    isDone = true;
  });
  abort();
  await runJobs();
  expect([calls, isDone]).toEqual([[], true]);
});

it('a direct step that was aborted has no exchanges: its sums are not complete', async () => {
  const { direct, runJobs } = ways({ ...whole, isComplete: false });
  direct.runSegment(1, 0, () => undefined);
  await runJobs();
  expect(() => direct.exchange(1, 0, () => undefined)).toThrow(LockstepError);
});

it('an error of an early start is reported, since it comes in the midst of a segment', () => {
  const errors: unknown[] = [];
  let tell = (_numBuckets: number): void => {};
  let begin = (): void => {};
  const runner = createMainThreadSteps({
    jobs: {
      add(job) {
        begin = () => void job();
      },
    },
    jobOf,
    bucketsOf: () => [],
    pool: {
      runAll(_job, onReady) {
        tell = onReady!;
        return new Promise(() => undefined);
      },
    },
    reductions: {
      start() {
        throw new LockstepError('internal', 'a peer is gone');
      },
      reduce: () => undefined,
      takeTimes: () => times,
    },
    fail: (error) => void errors.push(error),
  });
  runner.runSegment(1, 0, () => undefined);
  begin();
  tell(1);
  expect(errors).toEqual([new LockstepError('internal', 'a peer is gone')]);
});
