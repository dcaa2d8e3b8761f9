/** A worker's compute threads, seen from its main thread: one job at a time, on all of them or on the first. */
import type { Worker } from 'node:worker_threads';
import { fromWireError, invariant, LockstepError } from '@lockstep/errors';
import type { ComputeThreads } from '../threads.ts';
import {
  type Announcement,
  type Answer,
  type Configuration,
  type Job,
  orders,
  splits,
  word,
} from './commands.ts';
import { createLoader } from './loader.ts';

export interface Pool {
  readonly numThreads: number;
  /** Hands a generation's layout to the first `active` threads, which alone take part in jobs from then on. */
  configure(configuration: Omit<Configuration, 'numThreads' | 'loadsAhead'>, active: number): Promise<void>;
  /**
   * Runs a job on all active threads; resolves with the time of the slowest, in ms. `onReady` hears how many parts of a
   * segment's exchange stand on all of them, before it ends.
   */
  runAll(job: Job, onReady?: (numParts: number) => void): Promise<number>;
  /** Runs a job on the first thread. */
  runFirst(job: Job): Promise<number>;
  close(): Promise<void>;
}

export type OnRan = (thread: number, job: Job, startMs: number, durationMs: number) => void;

interface Pending {
  readonly job: Job;
  readonly sequence: number;
  readonly onReady: ((numParts: number) => void) | undefined;
  resolve(computeMs: number): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  readonly mailbox: Int32Array;
  pending: Pending | undefined;
  /** Why it ended: nobody answers any more. */
  failure: Error | undefined;
}

/** `onRan` hears of every job that a thread has done. */
export function createPool(
  { threads: started, arrivals, supplyWords }: ComputeThreads,
  onRan: OnRan = () => {},
): Pool {
  const loader = createLoader(supplyWords);
  const threads = started.map((thread, index) => adopt(thread, index, onRan));
  let active: readonly Thread[] = [];

  const run = (
    thread: Thread,
    job: Job,
    ticket = 0,
    onReady?: (numParts: number) => void,
  ): Promise<number> => {
    invariant(thread.pending === undefined, 'a thread does one job at a time');
    if (thread.failure !== undefined) return Promise.reject(thread.failure);
    const { mailbox } = thread;
    const { order, step = 0, segment = 0, parity = 0, split = 'train' } = job;
    mailbox[word.order] = orders.indexOf(order);
    mailbox[word.step] = step;
    mailbox[word.segment] = segment;
    mailbox[word.parity] = parity;
    mailbox[word.split] = splits.indexOf(split);
    mailbox[word.ticket] = ticket;
    return new Promise((resolve, reject) => {
      thread.pending = { job, sequence: Atomics.load(mailbox, word.sequence) + 1, onReady, resolve, reject };
      Atomics.add(mailbox, word.sequence, 1);
      Atomics.notify(mailbox, word.sequence);
    });
  };
  const all = async (job: Job, onReady?: (numParts: number) => void): Promise<number> => {
    arrivals.fill(0);
    const ticket = loader.supply(job);
    try {
      return Math.max(...(await Promise.all(active.map((thread) => run(thread, job, ticket, onReady)))));
    } catch (error) {
      throw loader.failure ?? error;
    }
  };

  return {
    numThreads: threads.length,
    async configure(configuration, numActive) {
      active = threads.slice(0, numActive);
      const whole = { ...configuration, numThreads: numActive };
      // What it still fills would be written over the new layout.
      const loadsAhead = await loader.configure({ ...whole, loadsAhead: true });
      for (const { worker } of active) worker.postMessage({ ...whole, loadsAhead });
      await all({ order: 'configure' });
    },
    runAll: all,
    runFirst: (job) => run(threads[0]!, job),
    async close() {
      for (const { mailbox } of threads) {
        mailbox[word.order] = orders.indexOf('exit');
        Atomics.add(mailbox, word.sequence, 1);
        Atomics.notify(mailbox, word.sequence);
      }
      await Promise.all([loader.close(), ...threads.map(({ worker }) => worker.terminate())]);
    },
  };
}

function adopt(started: ComputeThreads['threads'][number], index: number, onRan: OnRan): Thread {
  const { worker, mailbox, ended } = started;
  const thread: Thread = { worker, mailbox, pending: undefined, failure: undefined };
  const settle = (deliver: (pending: NonNullable<Thread['pending']>) => void): void => {
    const { pending } = thread;
    thread.pending = undefined;
    if (pending !== undefined) deliver(pending);
  };
  worker.on('message', (answer: Answer | Announcement) => {
    if ('numParts' in answer) return thread.pending?.onReady?.(answer.numParts);
    settle((pending) => {
      const { sequence } = answer;
      if (sequence !== pending.sequence) {
        const facts = { thread: index, answered: sequence, asked: pending.sequence };
        pending.reject(new LockstepError('internal', 'a compute thread answered an order twice', facts));
      } else if ('error' in answer) {
        pending.reject(fromWireError(answer.error));
      } else {
        onRan(index, pending.job, answer.startMs, answer.computeMs);
        pending.resolve(answer.computeMs);
      }
    });
  });
  void ended.then((error) => {
    thread.failure = error;
    settle((pending) => pending.reject(error));
  });
  return thread;
}
