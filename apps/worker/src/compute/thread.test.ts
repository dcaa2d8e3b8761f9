import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it, onTestFinished } from 'vitest';
import { type Answer, gate, orders, type ThreadData, word } from './commands.ts';
import { createSupplyWords } from './supply.ts';

/** Threads load no TypeScript: this is the built one. */
const built = new URL('../../dist/compute/thread.js', import.meta.url);

it('carries out each order once, even if it is woken late', async () => {
  const mailbox = new Int32Array(new SharedArrayBuffer(word.size * 4));
  // Before it is configured a thread answers every job with an error, at once.
  mailbox[word.order] = orders.indexOf('initialize');
  // The order is given before the thread starts, so that the thread never sleeps for it.
  mailbox[word.sequence] = 1;
  const arrivals = new Int32Array(new SharedArrayBuffer(4));
  const workerData: ThreadData = {
    thread: 0,
    mailbox,
    arrivals,
    gates: new Int32Array(new SharedArrayBuffer(4 * gate.size)),
    supplyWords: createSupplyWords(1),
  };
  const worker = new Worker(built, { workerData, execArgv: [] });
  onTestFinished(async () => void (await worker.terminate()));
  const answers: number[] = [];
  worker.on('message', ({ sequence }: Answer) => answers.push(sequence));
  await once(worker, 'message');
  await wake();
  await wake();
  Atomics.add(mailbox, word.sequence, 1);
  Atomics.notify(mailbox, word.sequence);
  while (answers.at(-1) !== 2) await once(worker, 'message');
  expect(answers).toEqual([1, 2]);

  /** Wakes the thread without a new order, once it sleeps. */
  async function wake(): Promise<void> {
    while (Atomics.notify(mailbox, word.sequence) === 0) await new Promise(setImmediate);
  }
});
