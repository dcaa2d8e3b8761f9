/** The thread that loads batches, seen from the worker's main thread. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { stepsPerEpoch } from '@lockstep/data';
import { LockstepError } from '@lockstep/errors';
import { trainingSlot } from '@lockstep/run';
import { bytesPerElement, sizeOf } from '@lockstep/tensor';
import { programOf } from '../bundle.ts';
import { leanHeap } from '../threads.ts';
import type { Configuration, Job, LoaderRequest } from './commands.ts';
import { endSupply } from './supply.ts';

/**
 * A step with fewer bytes of samples is not loaded ahead. At this size a thread takes 30 to 150 µs to fill its batch, and the main
 * thread takes 20 µs to ask another thread for it.
 */
const LEAST_BYTES = 1 << 18;

export interface Loader {
  /** Resolves with whether batches of this layout are loaded ahead, when no batch of the layout before is being filled any more. */
  configure(configuration: Configuration): Promise<boolean>;
  /** Asks for the batches of a job and for that of the next step. Returns the ticket of the job's first batch; 0 without any. */
  supply(job: Job): number;
  /** Why the thread has ended: it loads no more batches. */
  readonly failure: Error | undefined;
  close(): Promise<void>;
}

/** Starts the thread at once, so that it is ready when there is something to load. `words`: see supply.ts. */
export function createLoader(words: Int32Array): Loader {
  let failure: Error | undefined;
  let current: Configuration | undefined;
  let isConfigured = false;
  let numTickets = 0;
  /** By slot: the training step whose batch lies there once all requests are done. */
  let loaded: [Loaded | undefined, Loaded | undefined] = [undefined, undefined];

  const end = (error: Error): void => {
    failure ??= error;
    endSupply(words);
  };
  const worker = new Worker(programOf('compute/loader-thread'), {
    workerData: words,
    resourceLimits: leanHeap,
  });
  worker.unref();
  worker.on('error', end);
  worker.on('exit', (code) =>
    end(new LockstepError('lost', `the thread that loads batches ended with code ${code}`, { code })),
  );
  const post = (request: LoaderRequest): void => worker.postMessage(request);
  const want = (step: number): number => {
    const slot = trainingSlot(step);
    const known = loaded[slot];
    if (known?.step === step) return known.ticket;
    const ticket = ++numTickets;
    loaded[slot] = { step, ticket };
    post({ kind: 'training', step, slot, ticket });
    return ticket;
  };
  return {
    get failure() {
      return failure;
    },
    async configure(configuration) {
      if (failure !== undefined) throw failure;
      current = batchBytes(configuration) < LEAST_BYTES ? undefined : configuration;
      loaded = [undefined, undefined];
      if (current === undefined && !isConfigured) return false;
      isConfigured = true;
      post({ kind: 'configure', configuration });
      await once(worker, 'message');
      return current !== undefined;
    },
    supply({ order, step = 0, segment = 0, split = 'train', nextStep }) {
      if (current === undefined) return 0;
      const isTraining = order === 'step' || (order === 'segment' && segment === 0);
      if (!isTraining && order !== 'evaluate') return 0;
      let ticket: number;
      if (isTraining) {
        ticket = want(step);
      } else {
        ticket = numTickets + 1;
        numTickets += stepsPerEpoch(current.dataset.splits[split]!.size, current.config.batchSize);
        loaded = [undefined, undefined];
        post({ kind: 'evaluation', split, step, ticket });
      }
      if (nextStep !== undefined) want(nextStep);
      return ticket;
    },
    async close() {
      endSupply(words);
      await worker.terminate();
    },
  };
}

interface Loaded {
  readonly step: number;
  readonly ticket: number;
}

function batchBytes({ layout }: Configuration): number {
  const slots = layout.blocks.flatMap(({ batches }) => batches[0].columns);
  return slots.reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement(dtype), 0);
}
