/** Follows a reference through 50 steps of SGD with momentum. */
import { jit, ones, type Tensor, valueAndGrad, zeros } from '@lockstep/autodiff';
import type { Context, TensorTree } from '@lockstep/nn';
import { applyUpdates, sgd } from '@lockstep/optim';
import { expect } from 'vitest';
import { castTree, distance } from './reference.ts';

const totalSteps = 50;

/** The key for initial parameters, which the reference replaces, and for layers that draw nothing. */
export const key = zeros([2], 'uint32');

/** A training step in which all rows count. */
export const training = (rows: Tensor): Context => ({
  training: true,
  key,
  weights: ones([rows.shape[0]!], 'float64'),
});

export interface Steps {
  /** The scalar loss of the parameters and of the step's `batch`. */
  lossOf(params: TensorTree, ...batch: Tensor[]): Tensor;
  readonly initial: TensorTree;
  /** The expected losses before each update. [50] */
  readonly losses: Tensor;
  readonly rate: number;
  batch?(step: number): readonly Tensor[];
}

/** Returns the parameters after the last step in float64; expects every loss on the way. */
export function expectSteps({ lossOf, initial, losses, rate, batch = () => [] }: Steps): TensorTree {
  const optimizer = sgd(rate, { momentum: 0.9 });
  const trainStep = jit((params: TensorTree, optState: TensorTree, ...rest: Tensor[]) => {
    const [loss, grads] = valueAndGrad(lossOf)(params, ...rest);
    const progress = { step: zeros([]), totalSteps, loss };
    const [updates, next] = optimizer.update(grads, optState as never, params, progress);
    return { loss, params: applyUpdates(params, updates), optState: next as TensorTree };
  });
  let params = castTree(initial, 'float64');
  let optState = optimizer.init(params) as TensorTree;
  expect(losses.shape).toEqual([totalSteps]);
  for (let step = 0; step < totalSteps; step++) {
    const out = trainStep(params, optState, ...batch(step));
    ({ params, optState } = out);
    expect(distance(out.loss, losses.at(step)), `loss of step ${step}`).toBeLessThan(1e-9);
  }
  return params;
}
