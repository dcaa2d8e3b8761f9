/** Follows a reference through 50 steps of SGD with momentum. */
import { jit, ones, type Tensor, valueAndGrad, zeros } from '@lockstep/autodiff';
import type { Context, TensorTree } from '@lockstep/nn';
import { applyUpdates, sgd } from '@lockstep/optim';
import { expect } from 'vitest';
import { castTree, distance } from './reference.ts';

const totalSteps = 50;

/** Of initial parameters that the reference's replace, and of layers that draw nothing. */
export const key = zeros([2], 'uint32');

/** A training step in which all rows count. */
export const training = (rows: Tensor): Context => ({
  training: true,
  key,
  weights: ones([rows.shape[0]!], 'float64'),
});

export interface Steps {
  /** Of the parameters and what `batch` gives for the step; a scalar. */
  lossOf(params: TensorTree, ...batch: Tensor[]): Tensor;
  readonly initial: TensorTree;
  /** What the loss is to be before each update. [50] */
  readonly losses: Tensor;
  readonly rate: number;
  batch?(step: number): readonly Tensor[];
}

/** The parameters after the last step, in float64, when all losses on the way were those expected. */
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
