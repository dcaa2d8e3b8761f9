import { zeros } from '@lockstep/autodiff';
import { accumulateGradients, adam, sgd, warmupCosine } from '@lockstep/optim';
import { expect, it } from 'vitest';
import { idleSteps } from './idle-optimizer.ts';

it('detects an optimizer that moves nothing by its first steps', () => {
  expect(idleSteps(sgd(0), 10, 4)).toBe(10);
  expect(idleSteps(adam(0), 1000, 4)).toBe(128);
  expect(
    idleSteps(
      sgd(() => zeros([])),
      10,
      4,
    ),
  ).toBe(10);
});

it('does not count a slow start or updates in every nth step only', () => {
  expect(idleSteps(sgd(1e-12), 10, 4)).toBeUndefined();
  expect(idleSteps(adam(warmupCosine({ peak: 1e-3, warmupSteps: 50 })), 100, 4)).toBeUndefined();
  expect(idleSteps(accumulateGradients(16, sgd(0.1)), 100, 4)).toBeUndefined();
});
