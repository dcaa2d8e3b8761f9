import { expect, it } from 'vitest';
import { createLeftRuns } from './left-runs.ts';

it('knows the frames of runs that were left by their hashes, until the worker enters the run again', () => {
  const runs = createLeftRuns();
  runs.enter('a');
  runs.note('a', 1);
  runs.note('a', 2);
  expect([runs.has(1), runs.has(2), runs.has(3)]).toEqual([false, false, false]);
  runs.enter('b');
  runs.note('b', 3);
  expect([runs.has(1), runs.has(2), runs.has(3)]).toEqual([true, true, false]);
  runs.enter('a');
  expect([runs.has(1), runs.has(2), runs.has(3)]).toEqual([false, false, true]);
});
