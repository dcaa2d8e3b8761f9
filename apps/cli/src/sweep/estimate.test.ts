import { successiveHalving } from '@lockstep/search';
import { expect, it } from 'vitest';
import { estimateOf, type Measured } from './estimate.ts';

const measured: Measured = {
  ...{ start: 2, between: 0.5, step: 0.01, evaluation: 0.25 },
  ...{ totalSteps: 100, epochs: 2, numMeasured: 20 },
};

it('a sweep takes as long as its runs, shared by its workers', () => {
  const sweep = { trials: 10, repeats: 2, stopping: undefined };
  const estimate = estimateOf(sweep, measured, 4);
  expect(estimate).toEqual({ numRuns: 20, numSteps: 2_000, secondsPerRun: 2, seconds: 2 + 5 * 2 });
  // Fewer runs than workers take as long as one.
  expect(estimateOf({ ...sweep, trials: 1 }, measured, 4).seconds).toBe(4);
});

it('trials that are stopped at a rung make the steps up to it', () => {
  // 9 trials of 10 steps, 3 of which go on to 30, and 1 to 90.
  const stopping = successiveHalving({ min: 10, max: 90, trials: 9 });
  const { numSteps } = estimateOf({ trials: 9, repeats: 1, stopping }, measured, 1);
  expect(numSteps).toBe(9 * 10 + 3 * 20 + 60);
});
