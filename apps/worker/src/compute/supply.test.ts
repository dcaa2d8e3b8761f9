import { expect, it } from 'vitest';
import { awaitRead, createSupply, createSupplyWords, endSupply, hand, readCounts } from './supply.ts';

it('a thread waits for a batch until its slot has its ticket', () => {
  const words = createSupplyWords(1);
  const supply = createSupply(words, 0, () => 5);
  hand(words, 1, 5);
  hand(words, 0, 6);
  supply.await(0, 1);
  supply.await(1, 0);
  endSupply(words);
  expect(() => supply.await(0, 1)).toThrow(/the thread that loads batches has ended/);
});

it('a slot is free when every thread has read it, however far ahead one of them is', () => {
  const words = createSupplyWords(3);
  const [first, second] = [0, 1].map((thread) => createSupply(words, thread, () => 1));
  const before = readCounts(words, 2);
  for (let batch = 0; batch < 4; batch++) first!.release();
  expect(readCounts(words, 2)).toEqual([4, 0]);
  second!.release();
  awaitRead(words, before, 1);
  expect(readCounts(words, 2)).toEqual([4, 1]);
});
