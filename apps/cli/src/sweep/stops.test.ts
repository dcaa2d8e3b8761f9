import { expect, it } from 'vitest';
import { createChanges, createStops } from './stops.ts';

const counter = () => {
  const one = { numStops: 0, stop: () => void one.numStops++ };
  return one;
};

it('Ctrl-C stops every run cleanly, and a cancelled trial is stopped at once', () => {
  const heard: string[] = [];
  const stops = createStops(() => heard.push('stop'));
  const [a, b, later] = [counter(), counter(), counter()];
  stops.add({ trial: 1 }, a.stop);
  const forget = stops.add({ trial: 2 }, b.stop);
  stops.cancel(1);
  expect([a.numStops, b.numStops, stops.isStopped]).toEqual([2, 0, false]);
  expect([stops.isCancelled(1), stops.isCancelled(2)]).toEqual([true, false]);
  stops.add({ trial: 1 }, later.stop);
  expect(later.numStops).toBe(2);
  forget();
  process.emit('SIGINT');
  expect([a.numStops, b.numStops, stops.isStopped, heard]).toEqual([3, 0, true, ['stop']]);
  stops.add({ trial: 3 }, b.stop);
  expect(b.numStops).toBe(1);
  stops.close();
});

it('a change resolves what waits for it, and a failure rejects it', async () => {
  const changes = createChanges();
  const first = changes.next();
  changes.changed();
  await first;
  changes.fail(new Error('the disk'));
  await expect(changes.next()).rejects.toThrow('the disk');
});
