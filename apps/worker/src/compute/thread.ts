/** A compute thread: sleeps in `Atomics.wait` until an order comes, carries it out, answers, sleeps again. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { invariant, toWireError } from '@lockstep/errors';
import { createKernels, MIN_SCRATCH_BYTES } from '@lockstep/kernels';
import { importPrograms, type Parity } from '@lockstep/run';
import { createExecutor, type Executor } from '@lockstep/training';
import { clockMs } from '../tracer.ts';
import {
  type Announcement,
  type Answer,
  type Configuration,
  orders,
  splits,
  type ThreadData,
  word,
} from './commands.ts';
import { createSupply } from './supply.ts';

const { thread, mailbox, arrivals, supplyWords } = workerData as ThreadData;
const port = parentPort;
invariant(port !== null, 'a compute thread is started by its worker');

let executor: Executor | undefined;
let sequence = 0;
let numThreads = 1;
/** Parts of the exchange under way that this thread has. */
let numArrived = 0;

for (;;) {
  // A notify may come late, for an order that was already seen: only a new number is a new order.
  while (Atomics.load(mailbox, word.sequence) === sequence) Atomics.wait(mailbox, word.sequence, sequence);
  sequence = Atomics.load(mailbox, word.sequence);
  const order = orders[mailbox[word.order]!]!;
  if (order === 'exit') break;
  port.postMessage(answer(order));
}

function answer(order: Exclude<(typeof orders)[number], 'exit'>): Answer {
  const startMs = clockMs();
  try {
    carryOut(order);
    return { sequence, startMs, computeMs: clockMs() - startMs };
  } catch (error) {
    return { sequence, error: toWireError(error) };
  }
}

// The inferred return type lets each case return what it calls.
function carryOut(order: Exclude<(typeof orders)[number], 'exit'>) {
  if (order === 'configure') {
    executor = configure();
    return;
  }
  invariant(executor !== undefined, 'a thread is configured before it works');
  const parity = mailbox[word.parity] as Parity;
  switch (order) {
    case 'initialize':
      return executor.initialize(parity);
    case 'segment':
      numArrived = 0;
      return executor.runSegment(mailbox[word.step]!, mailbox[word.segment]!, parity);
    case 'update':
      return executor.runUpdate(mailbox[word.step]!, parity);
    case 'evaluate':
      return executor.evaluate(splits[mailbox[word.split]!]!, parity);
    default:
      order satisfies never;
  }
}

/** Whoever is the last to have a part tells the main thread, which sends it off while the segment goes on. */
function announce(numParts: number): void {
  let numComplete = 0;
  for (; numArrived < numParts; numArrived++) {
    if (Atomics.add(arrivals, numArrived, 1) + 1 === numThreads) numComplete = numArrived + 1;
  }
  if (numComplete > 0) port!.postMessage({ sequence, numParts: numComplete } satisfies Announcement);
}

function configure(): Executor {
  const message = receiveMessageOnPort(port!) as { message: Configuration } | undefined;
  invariant(message !== undefined, 'a configuration is posted before the order');
  const { programs, layout, memory, dataset, config, profile } = message.message;
  numThreads = message.message.numThreads;
  const kernels = createKernels({
    memory,
    scratchOffset: layout.scratch[thread]!,
    scratchBytes: MIN_SCRATCH_BYTES,
    profile,
  });
  return createExecutor({
    programs: importPrograms(programs),
    layout,
    thread,
    buffer: memory.buffer,
    kernels,
    dataset,
    config,
    onReady: announce,
    ...(message.message.loadsAhead && {
      supply: createSupply(supplyWords, thread, () => mailbox[word.ticket]!),
    }),
  });
}
