/** Divides intervals of a recorded run among threads. Each opens the run and loads its data. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { fromWireError, LockstepError, type WireError } from '@lockstep/errors';
import type { CheckedPart, DiffedPart, Interval } from '@lockstep/replay';

/** What a thread computes of each interval. */
export type IntervalTask = 'diff' | 'verify';

export interface IntervalThreadData {
  readonly folder: string;
  readonly task: IntervalTask;
}

export type IntervalAnswer<Result> =
  /** A step is done. */
  { readonly step: number } | { readonly result: Result } | { readonly error: WireError };

interface ResultOf {
  readonly diff: DiffedPart;
  readonly verify: CheckedPart;
}

export interface IntervalThreadsOptions<Task extends IntervalTask> extends IntervalThreadsAsked {
  readonly folder: string;
  readonly task: Task;
  readonly onStep: (step: number) => void;
  /** Intervals behind one with such a result are left out. Default: none is. */
  readonly isLast?: (result: ResultOf[Task]) => boolean;
}

export interface IntervalThreadsAsked {
  /** Default: the number of cores. */
  readonly threads: number | undefined;
}

/** How many threads so many intervals are divided among. */
export const numThreadsFor = (
  { threads = availableParallelism() }: IntervalThreadsAsked,
  numIntervals: number,
): number => Math.min(threads, numIntervals);

/** The results by interval, in order. Rejects with the first error of a thread. */
export function computeIntervals<Task extends IntervalTask>(
  intervals: readonly Interval[],
  { folder, task, threads, onStep, isLast = () => false }: IntervalThreadsOptions<Task>,
): Promise<readonly (ResultOf[Task] | undefined)[]> {
  const results = new Array<ResultOf[Task] | undefined>(intervals.length).fill(undefined);
  const workers: Worker[] = [];
  let next = 0;
  let end = intervals.length;
  const work = new Promise<void>((resolve, reject) => {
    let numBusy = 0;
    const give = (worker: Worker): number | undefined => {
      if (next >= end) {
        if (--numBusy === 0) resolve();
        return undefined;
      }
      worker.postMessage(intervals[next]);
      return next++;
    };
    for (let thread = 0; thread < numThreadsFor({ threads }, intervals.length); thread++) {
      // The build, also where the command itself runs from its sources.
      const worker = new Worker(new URL('../dist/interval-thread.js', import.meta.url), {
        workerData: { folder, task } satisfies IntervalThreadData,
      });
      workers.push(worker);
      numBusy++;
      let current = give(worker);
      worker.on('message', (answer: IntervalAnswer<ResultOf[Task]>) => {
        if ('step' in answer) return onStep(answer.step);
        if ('error' in answer) return reject(fromWireError(answer.error));
        results[current!] = answer.result;
        if (isLast(answer.result)) end = Math.min(end, current! + 1);
        current = give(worker);
      });
      worker.on('error', reject);
      worker.on('exit', (code) =>
        reject(
          new LockstepError('lost', `a thread that computed intervals ended with code ${code}`, { code }),
        ),
      );
    }
  });
  return work.then(() => results).finally(() => Promise.all(workers.map((worker) => worker.terminate())));
}
