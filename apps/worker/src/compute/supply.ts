/** Passes batches from the loader to the compute threads. Both sides count in shared memory, and wait for each other there. */
import { LockstepError } from '@lockstep/errors';
import type { BatchSlot } from '@lockstep/run';
import type { BatchSupply } from '@lockstep/training';

/** The first words are the tickets of the batches in the slots; from here on: how many evaluation batches each thread has read. */
const firstRead = 2;

/** Takes the place of a ticket when there will be no more batches. */
const ended = 2 ** 31 - 1;

export const createSupplyWords = (numThreads: number): Int32Array =>
  new Int32Array(new SharedArrayBuffer(4 * (firstRead + numThreads)));

/** Hands over a batch that is complete in its slot. */
export function hand(words: Int32Array, slot: BatchSlot, ticket: number): void {
  Atomics.store(words, slot, ticket);
  Atomics.notify(words, slot);
}

/** Wakes all threads that wait for batches: they throw. */
export function endSupply(words: Int32Array): void {
  for (const slot of [0, 1] as const) hand(words, slot, ended);
}

/** How many evaluation batches each of the first `numThreads` threads has read. */
export const readCounts = (words: Int32Array, numThreads: number): number[] =>
  Array.from({ length: numThreads }, (_, thread) => Atomics.load(words, firstRead + thread));

/** Waits until each thread has read `count` evaluation batches more than `before`. One thread may be ahead of another. */
export function awaitRead(words: Int32Array, before: readonly number[], count: number): void {
  for (const [thread, from] of before.entries()) {
    const word = firstRead + thread;
    for (let read = Atomics.load(words, word); read < from + count; read = Atomics.load(words, word)) {
      Atomics.wait(words, word, read);
    }
  }
}

/** A compute thread's side. `firstTicket`: of the first batch of the job that runs. */
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
