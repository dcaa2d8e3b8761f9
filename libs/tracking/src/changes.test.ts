import { expect, it } from 'vitest';
import { changesOf, lengthChanged, standingMetrics } from './changes.ts';

const step = (n: number) => ({ kind: 'step', step: n });
const evaluation = (n: number, final: boolean) => ({ kind: 'evaluation', step: n, final });
const change = (n: number) => ({ kind: lengthChanged, step: n });

it('metrics before a change hold up to its step, without the final evaluation', () => {
  const before = [step(1), step(2), evaluation(2, false), step(3), evaluation(3, true)];
  expect(standingMetrics(before)).toEqual(before);
  expect(standingMetrics([...before, change(3)])).toEqual([step(1), step(2), evaluation(2, false), step(3)]);
  // A change from a checkpoint that is older than the last step.
  expect(standingMetrics([...before, change(1), step(2)])).toEqual([step(1), step(2)]);
  expect(standingMetrics([...before, change(1), step(2), change(1)])).toEqual([step(1)]);
});

it('a run whose length was never changed has no changes', () => {
  expect(changesOf({ name: 'x' })).toEqual([]);
  const one = { step: 3, epochs: 2, steps: null, before: { epochs: 1, steps: null }, time: 't' };
  expect(changesOf({ name: 'x', changes: [one] })).toEqual([one]);
});
