/** A compute thread: sleeps in `Atomics.wait` until an order comes, carries it out, answers, sleeps again. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { invariant, toWireError } from '@lockstep/errors';
import { importPrograms, type ReplicaCopy } from '@lockstep/run';
import type { Executor, UpdateResult } from '@lockstep/training';
import { clockMs } from '../clock.ts';
import { bindBuckets } from '../exchange/buckets.ts';
import {
  type Announcement,
  type Answer,
  type Configuration,
  type DroppedFrame,
  orders,
  type PeerInvitation,
  splits,
  type ThreadData,
  type ThreadLane,
  word,
} from './commands.ts';
import { createStepper, type Stepper } from './stepper.ts';
import { createSupply } from './supply.ts';
import { createThreadExecutor, type MakeExecutorHooks } from './thread-executor.ts';

const { thread, mailbox, arrivals, gates, supplyWords, hooks } = workerData as ThreadData;
const port = parentPort;
invariant(port !== null, 'a compute thread is started by its worker');

const makeHooks = hooks === undefined ? undefined : await importHooks(hooks);
let executor: Executor | undefined;
/** Runs whole steps of a generation in which this thread may do so. */
let direct: { readonly stepper: Stepper; readonly generation: number } | undefined;
let sequence = 0;
let numThreads = 1;
/** Buckets of the running segment's exchange that this thread has. */
let numArrived = 0;
/** Called when buckets of the running segment are complete on this thread. */
let onReady: (numBuckets: number) => void = announce;

for (;;) {
  // A notify may come late, for an order that was already seen: only a new number is a new order.
  while (Atomics.load(mailbox, word.sequence) === sequence) Atomics.wait(mailbox, word.sequence, sequence);
  sequence = Atomics.load(mailbox, word.sequence);
  const order = orders[mailbox[word.order]!]!;
  if (order === 'exit') break;
  port.postMessage(answer(order));
}

async function importHooks(module: string): Promise<MakeExecutorHooks> {
  const { default: make } = (await import(module)) as { readonly default: MakeExecutorHooks };
  return make;
}

function answer(order: Exclude<(typeof orders)[number], 'exit'>): Answer {
  const startMs = clockMs();
  try {
    if (order === 'step') return { sequence, ...runStep() };
    const done = carryOut(order);
    return { sequence, startMs, computeMs: clockMs() - startMs, ...done };
  } catch (error) {
    return { sequence, error: toWireError(error) };
  }
}

function runStep(): Omit<Extract<Answer, { readonly computeMs: number }>, 'sequence'> {
  invariant(direct !== undefined, 'only threads of a group run whole steps');
  const startMs = clockMs();
  onReady = direct.stepper.ready;
  const step = direct.stepper.run(mailbox[word.step]!, mailbox[word.copy] as ReplicaCopy);
  return { startMs, computeMs: step.segments.reduce((sum, { durationMs }) => sum + durationMs, 0), step };
}

/** Returns what the answer says besides times. */
function carryOut(
  order: Exclude<(typeof orders)[number], 'step' | 'exit'>,
): Pick<Extract<Answer, { readonly computeMs: number }>, 'lane' | 'update'> {
  if (order === 'configure') {
    const lane = configure();
    return lane === undefined ? {} : { lane };
  }
  invariant(executor !== undefined, 'a thread is configured before it works');
  meetPeers();
  const update = work(executor, order);
  return update === undefined ? {} : { update };
}

function work(
  executor: Executor,
  order: Exclude<(typeof orders)[number], 'configure' | 'step' | 'exit'>,
): UpdateResult | undefined {
  const copy = mailbox[word.copy] as ReplicaCopy;
  switch (order) {
    case 'initialize':
      executor.initialize(copy);
      return undefined;
    case 'segment':
      numArrived = 0;
      onReady = announce;
      executor.runSegment(mailbox[word.step]!, mailbox[word.segment]!, copy);
      return undefined;
    case 'update':
      return executor.runUpdate(mailbox[word.step]!, copy, { histograms: mailbox[word.histograms] === 1 });
    case 'evaluate':
      executor.evaluate(mailbox[word.step]!, splits[mailbox[word.split]!]!, copy);
      return undefined;
    default:
      return order satisfies never;
  }
}

/** The last thread to have a bucket tells the main thread, which starts to reduce it while the segment goes on. */
function announce(numBuckets: number): void {
  let numComplete = 0;
  for (; numArrived < numBuckets; numArrived++) {
    if (Atomics.add(arrivals, numArrived, 1) + 1 === numThreads) numComplete = numArrived + 1;
  }
  if (numComplete > 0) port!.postMessage({ sequence, numBuckets: numComplete } satisfies Announcement);
}

type Posted = Configuration | PeerInvitation;

function posted(): Posted | undefined {
  return (receiveMessageOnPort(port!) as { readonly message: Posted } | undefined)?.message;
}

/** Takes the invitations that have come for this thread. */
function meetPeers(): void {
  if (direct === undefined) return;
  for (let message = posted(); message !== undefined; message = posted()) {
    invariant('invitation' in message, 'a configuration is taken by its order');
    if (message.generation === direct.generation) direct.stepper.accept(message.rank, message.invitation);
  }
  direct.stepper.tellReach();
}

/** The latest configuration. Invitations that were posted before it are of an earlier generation. */
function configuration(): Configuration {
  let message = posted();
  while (message !== undefined && 'invitation' in message) message = posted();
  invariant(message !== undefined, 'a configuration is posted before the order');
  return message;
}

function configure(): ThreadLane | undefined {
  const whole = configuration();
  const { programs, layout, memory, group } = whole;
  numThreads = whole.numThreads;
  executor = createThreadExecutor(whole, {
    ...{ thread, makeHooks },
    onReady: (numBuckets) => onReady(numBuckets),
    ...(whole.loadsAhead && { supply: createSupply(supplyWords, thread, () => mailbox[word.ticket]!) }),
  });
  direct?.stepper.close();
  direct = group && {
    generation: group.generation,
    stepper: createStepper({
      executor,
      group,
      thread,
      numThreads,
      gates,
      buckets: bindBuckets(importPrograms(programs), layout, memory.buffer),
      onDropped: (dropped) => port!.postMessage({ dropped } satisfies DroppedFrame),
    }),
  };
  return direct?.stepper.lane;
}
