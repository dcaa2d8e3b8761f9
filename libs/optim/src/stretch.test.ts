/** Schedules that advance by several steps an update. */
import { tensor } from '@lockstep/autodiff';
import { expect, it } from 'vitest';
import {
  accumulateGradients,
  type GradientTransformation,
  type Progress,
  scaleBySchedule,
  sgd,
} from './index.ts';

const params = { w: tensor([1, 2], { dtype: 'float32' }) };
const grads = { w: tensor([1, -1], { dtype: 'float32' }) };

/** The updates of the first elements. */
function updatesOf(optimizer: GradientTransformation, numSteps: number, more: Partial<Progress>): number[] {
  const link = optimizer;
  let state = link.init(params);
  return Array.from({ length: numSteps }, (_, step) => {
    const progress = { step: tensor(step, { dtype: 'float32' }), totalSteps: 10, ...more };
    const [updates, next] = link.update(grads, state, params, progress);
    state = next;
    return (updates as typeof params).w.at(0).item();
  });
}

it('counts steps from an update on, and stretches the length alike', () => {
  const seen = scaleBySchedule((step, totalSteps) => step.add(totalSteps * 100));
  expect(updatesOf(seen, 4, { stretch: { from: 2, steps: 4 } })).toEqual([3400, 3401, 3402, 3406]);
  expect(updatesOf(seen, 2, { stretch: { from: 0, steps: 0.5 } })).toEqual([500, 500.5]);
  expect(updatesOf(seen, 2, { stretch: { from: 1, steps: 1 } })).toEqual([1000, 1001]);
});

it('reaches momenta that are schedules, and optimizers that accumulate', () => {
  const momentum = sgd(1, { momentum: (step) => step.mul(0.25) });
  // The second update keeps 0.25·2 of the first gradient, and not 0.25·1.
  expect(updatesOf(momentum, 2, { stretch: { from: 0, steps: 2 } })).toEqual([-1, -1.5]);
  const inner = scaleBySchedule((step) => step.add(1));
  const accumulated = accumulateGradients(2, inner);
  expect(updatesOf(accumulated, 4, { stretch: { from: 0, steps: 8 } })).toEqual([0, 1, 0, 9]);
});
