import { zeros } from '@lockstep/autodiff';
import { accumulateGradients, adam, sgd, warmupCosine } from '@lockstep/optim';
import { expect, it } from 'vitest';
import { idleSteps } from './idle-optimizer.ts';

it('an optimizer that moves nothing is known by its first steps', () => {
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

it('one that begins slowly, or moves in every nth step only, is not one of them', () => {
  expect(idleSteps(sgd(1e-12), 10, 4)).toBeUndefined();
  expect(idleSteps(adam(warmupCosine({ peak: 1e-3, warmupSteps: 50 })), 100, 4)).toBeUndefined();
  expect(idleSteps(accumulateGradients(16, sgd(0.1)), 100, 4)).toBeUndefined();
});
