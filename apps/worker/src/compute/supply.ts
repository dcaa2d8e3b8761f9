/** How batches pass from the loader to the compute threads: both count in shared memory, and wait for each other there. */
import { LockstepError } from '@lockstep/errors';
import type { BatchSlot } from '@lockstep/run';
import type { BatchSupply } from '@lockstep/training';

/** Words: the ticket of the batch in each slot; then, of each thread, how many evaluation batches it has read. */
const firstRead = 2;

/** Stands for a ticket when there will be no more batches. */
const ended = 2 ** 31 - 1;

export const createSupplyWords = (numThreads: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(4 * (firstRead + numThreads)));

/** A batch stands in its slot. */
export function hand(words: Int32Array, slot: BatchSlot, ticket: number): void {
  Atomics.store(words, slot, ticket);
  Atomics.notify(words, slot);
}

/** Wakes all who wait for batches; they throw. */
export function endSupply(words: Int32Array): void {
  for (const slot of [0, 1] as const) hand(words, slot, ended);
}

/** Where each of the first `numThreads` threads is: evaluation batches that it has read. */
export const readCounts = (words: Int32Array, numThreads: number): number[] =>
  Array.from({ length: numThreads }, (_, thread) => Atomics.load(words, firstRead + thread));

/** Waits until each thread has read `count` evaluation batches more than `before`: one may be ahead of another. */
export function awaitRead(words: Int32Array, before: readonly number[], count: number): void {
  for (const [thread, from] of before.entries()) {
    const word = firstRead + thread;
    for (let read = Atomics.load(words, word); read < from + count; read = Atomics.load(words, word)) {
      Atomics.wait(words, word, read);
    }
  }
}

/** A compute thread's side; `firstTicket` is that of the job under way. */
export function createSupply(words: Int32Array, thread: number, firstTicket: () => number): BatchSupply {
  return {
    await(batch, slot) {
      const ticket = firstTicket() + batch;
      for (;;) {
        const found = Atomics.load(words, slot);
        if (found === ended) throw new LockstepError('lost', 'the thread that loads batches has ended');
        if (found === ticket) return;
        Atomics.wait(words, slot, found);
      }
    },
    release() {
      Atomics.add(words, firstRead + thread, 1);
      Atomics.notify(words, firstRead + thread);
    },
  };
}
