/**
 * Starts a worker's threads. They take as long to load their code as the main thread takes for its own, so they are started
 * first: this module may import nothing that is slow to load.
 */
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { MAX_BUCKETS } from '@lockstep/collectives';
import { LockstepError } from '@lockstep/errors';
import { programOf } from './bundle.ts';
import { gate, type ThreadData, word } from './compute/commands.ts';
import { createSupplyWords } from './compute/supply.ts';

export interface StartedThread {
  readonly worker: Worker;
  /** Resolves when the thread has ended, with the reason; it never rejects. */
  readonly ended: Promise<Error>;
}

export interface ComputeThreads {
  readonly threads: readonly (StartedThread & { readonly mailbox: Int32Array })[];
  /** See {@link ThreadData}. */
  readonly arrivals: Int32Array;
  readonly gates: Int32Array;
  readonly supplyWords: Int32Array;
}

export interface Threads {
  readonly compiler: StartedThread;
  readonly compute: ComputeThreads;
}

/** @param hooks for tests: a module that makes the hooks of executors, see {@link ThreadData} */
export function startThreads(numThreads: number, hooks?: URL): Threads {
  if (!Number.isInteger(numThreads) || numThreads < 1) {
    throw new LockstepError('config', `--threads ${numThreads}: a worker computes on 1 thread or more`, {
      threads: numThreads,
    });
  }
  // The compiler comes first: the first step waits for it.
  const compiler = early ?? startCompiler();
  early = undefined;
  return { compiler, compute: startCompute(numThreads, hooks) };
}

let early: StartedThread | undefined;

/** Starts the compiler while the command line is still being read; `startThreads` takes it over. */
export function startEarly(): void {
  early ??= startCompiler();
}

export const startCompiler = (): StartedThread => start('the compiler thread', programOf('compiler/thread'));

export function startCompute(numThreads: number, hooks?: URL): ComputeThreads {
  const arrivals = new Int32Array(new SharedArrayBuffer(MAX_BUCKETS * 4));
  const gates = new Int32Array(new SharedArrayBuffer(gate.size * 4));
  const supplyWords = createSupplyWords(numThreads);
  const threads = Array.from({ length: numThreads }, (_, thread) => {
    const mailbox = new Int32Array(new SharedArrayBuffer(word.size * 4));
    const workerData: ThreadData = {
      ...{ thread, mailbox, arrivals, gates, supplyWords },
      ...(hooks && { hooks: hooks.href }),
    };
    const started = start(`compute thread ${thread}`, programOf('compute/thread'), {
      workerData,
      resourceLimits: leanHeap,
    });
    return { ...started, mailbox };
  });
  return { threads, arrivals, gates, supplyWords };
}

/** Limits for threads that make next to no garbage: by default each thread sets some 10 MB apart for it. */
export const leanHeap = { maxYoungGenerationSizeMb: 1 };

function start(name: string, entry: URL, options: WorkerOptions = {}): StartedThread {
  const worker = new Worker(entry, options);
  // A worker that fails before it has sockets must not be kept alive by threads that wait for it.
  worker.unref();
  const ended = new Promise<Error>((resolve) => {
    worker.once('error', resolve);
    worker.once('exit', (code) =>
      resolve(new LockstepError('lost', `${name} ended with code ${code}`, { code })),
    );
  });
  return { worker, ended };
}
