/** A worker's compute threads, seen from its main thread: one job at a time, on all of them or on the first. */
import type { Worker } from 'node:worker_threads';
import { fromWireError, invariant, LockstepError } from '@lockstep/errors';
import { ownBell, type Rope } from '@lockstep/lanes';
import type { UpdateResult } from '@lockstep/training';
import type { ComputeThreads } from '../threads.ts';
import {
  ABORTED,
  type Announcement,
  type Answer,
  type Configuration,
  type DirectStep,
  type Dropped,
  type DroppedFrame,
  gate,
  type Job,
  orders,
  type PeerInvitation,
  splits,
  word,
} from './commands.ts';
import { createLoader } from './loader.ts';

export type PoolConfiguration = Omit<Configuration, 'numThreads' | 'loadsAhead'>;

export interface Pool {
  readonly numThreads: number;
  /**
   * Hands a generation's layout to the first `numActive` threads, which alone take part in jobs from then on. Resolves with the
   * invitation to the first thread's lane, where it has one.
   */
  configure(configuration: PoolConfiguration, numActive: number): Promise<Uint8Array | undefined>;
  /**
   * Runs a job on all active threads; resolves with the time of the slowest, in ms. `onReady` is called before a segment ends, when
   * all threads have the first `numBuckets` buckets of its exchange.
   */
  runAll(job: Job, onReady?: (numBuckets: number) => void): Promise<number>;
  /** Runs a job on the first thread. */
  runFirst(job: Job): Promise<number>;
  /** Has the first thread do the update, or say why not. */
  runUpdate(job: Job & { readonly order: 'update' }): Promise<RanUpdate>;
  /** Runs a whole step on all active threads, which exchange by themselves. */
  runStep(job: Job & { readonly order: 'step' }): Promise<RanStep>;
  /** Ends the whole step that runs, if one does, before its next exchange is done. */
  abortStep(): void;
  /** Shows the first thread the lane of a peer's first thread. */
  invite(invitation: PeerInvitation): void;
  /** Whether the first thread's lane reaches all peers and theirs reach it; false until the generation is configured. */
  readonly reachesAll: boolean;
  close(): Promise<void>;
}

export interface RanStep extends DirectStep {
  /** Of the slowest thread. */
  readonly computeMs: number;
}

export interface RanUpdate extends UpdateResult {
  readonly computeMs: number;
}

export interface PoolEvents {
  /** A thread has done a job, or a segment of a whole step. */
  readonly onRan?: (thread: number, job: Job, startMs: number, durationMs: number) => void;
  readonly onDropped?: (dropped: Dropped) => void;
}

type Done = Extract<Answer, { readonly computeMs: number }>;

interface Pending {
  readonly job: Job;
  readonly sequence: number;
  readonly onReady: ((numBuckets: number) => void) | undefined;
  resolve(answer: Done): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  readonly mailbox: Int32Array;
  pending: Pending | undefined;
  /** Why the thread has ended: it answers no more. */
  failure: Error | undefined;
}

export function createPool(
  { threads: started, arrivals, gates, supplyWords }: ComputeThreads,
  events: PoolEvents = {},
): Pool {
  const loader = createLoader(supplyWords);
  const threads = started.map((thread, index) => adopt(thread, index, events));
  let active: readonly Thread[] = [];
  /** Rings the bell of the first thread's lane, where it has one. */
  let rope: Pick<Rope, 'ring'> | undefined;

  const all = async (job: Job, onReady?: (numBuckets: number) => void): Promise<readonly Done[]> => {
    arrivals.fill(0);
    const ticket = loader.supply(job);
    try {
      return await Promise.all(active.map((thread) => give(thread, job, ticket, onReady)));
    } catch (error) {
      // The others would wait for the one that failed.
      abortStep();
      throw loader.failure ?? error;
    }
  };
  const setGates = (value: number): void => {
    // In this order: a thread that is woken as if all had arrived must see that the step is aborted.
    for (const word of [gate.passed, gate.arrived]) {
      Atomics.store(gates, word, value);
      Atomics.notify(gates, word);
    }
  };
  const abortStep = (): void => {
    setGates(ABORTED);
    rope?.ring();
  };

  return {
    numThreads: threads.length,
    async configure(configuration, numActive) {
      active = threads.slice(0, numActive);
      const whole = { ...configuration, numThreads: numActive };
      // First, since batches that the loader still fills would be written over the new layout.
      const loadsAhead = await loader.configure({ ...whole, loadsAhead: true });
      for (const { worker } of active) worker.postMessage({ ...whole, loadsAhead });
      rope = undefined;
      Atomics.store(gates, gate.reachesAll, 0);
      const [{ lane } = {}] = await all({ order: 'configure' });
      if (lane !== undefined) rope = ownBell(lane.bell);
      return lane?.invitation;
    },
    runAll: async (job, onReady) => slowest(await all(job, onReady)),
    runFirst: async (job) => (await give(threads[0]!, job)).computeMs,
    async runUpdate(job) {
      const { computeMs, update } = await give(threads[0]!, job);
      invariant(update !== undefined, 'the answer to an update has its result');
      return { ...update, computeMs };
    },
    async runStep(job) {
      setGates(0);
      const answers = await all(job);
      const isComplete = answers.every(({ step }) => step?.isComplete === true);
      return { ...answers[0]!.step!, isComplete, computeMs: slowest(answers) };
    },
    abortStep,
    invite: (invitation) => threads[0]!.worker.postMessage(invitation),
    get reachesAll() {
      return Atomics.load(gates, gate.reachesAll) === 1;
    },
    async close() {
      abortStep();
      rope = undefined;
      for (const { mailbox } of threads) {
        mailbox[word.order] = orders.indexOf('exit');
        Atomics.add(mailbox, word.sequence, 1);
        Atomics.notify(mailbox, word.sequence);
      }
      await Promise.all([loader.close(), ...threads.map(({ worker }) => worker.terminate())]);
    },
  };
}

const slowest = (answers: readonly Done[]): number => Math.max(...answers.map(({ computeMs }) => computeMs));

/** Gives a thread an order, and wakes it. Resolves with its answer. */
function give(thread: Thread, job: Job, ticket = 0, onReady?: (numBuckets: number) => void): Promise<Done> {
  invariant(thread.pending === undefined, 'a thread does one job at a time');
  if (thread.failure !== undefined) return Promise.reject(thread.failure);
  const { mailbox } = thread;
  const { order, step = 0, segment = 0, copy = 0, split = 'train', histograms = false } = job;
  mailbox[word.order] = orders.indexOf(order);
  mailbox[word.step] = step;
  mailbox[word.segment] = segment;
  mailbox[word.copy] = copy;
  mailbox[word.split] = splits.indexOf(split);
  mailbox[word.ticket] = ticket;
  mailbox[word.histograms] = histograms ? 1 : 0;
  return new Promise((resolve, reject) => {
    thread.pending = { job, sequence: Atomics.load(mailbox, word.sequence) + 1, onReady, resolve, reject };
    Atomics.add(mailbox, word.sequence, 1);
    Atomics.notify(mailbox, word.sequence);
  });
}

/** Settles the jobs of a started thread with its answers. */
function adopt(
  started: ComputeThreads['threads'][number],
  index: number,
  { onRan, onDropped }: PoolEvents,
): Thread {
  const { worker, mailbox, ended } = started;
  const thread: Thread = { worker, mailbox, pending: undefined, failure: undefined };
  const settle = (deliver: (pending: NonNullable<Thread['pending']>) => void): void => {
    const { pending } = thread;
    thread.pending = undefined;
    if (pending !== undefined) deliver(pending);
  };
  worker.on('message', (answer: Answer | Announcement | DroppedFrame) => {
    if ('numBuckets' in answer) return thread.pending?.onReady?.(answer.numBuckets);
    if ('dropped' in answer) return onDropped?.(answer.dropped);
    settle((pending) => {
      const { sequence } = answer;
      if (sequence !== pending.sequence) {
        const facts = { thread: index, answered: sequence, asked: pending.sequence };
        pending.reject(new LockstepError('internal', 'a compute thread answered an order twice', facts));
      } else if ('error' in answer) {
        pending.reject(fromWireError(answer.error));
      } else {
        for (const [segment, { startMs, durationMs }] of answer.step?.segments.entries() ?? []) {
          onRan?.(index, { ...pending.job, order: 'segment', segment }, startMs, durationMs);
        }
        if (answer.step === undefined) onRan?.(index, pending.job, answer.startMs, answer.computeMs);
        pending.resolve(answer);
      }
    });
  });
  void ended.then((error) => {
    thread.failure = error;
    settle((pending) => pending.reject(error));
  });
  return thread;
}
