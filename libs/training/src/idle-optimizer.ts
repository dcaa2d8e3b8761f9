/** Detects an optimizer that moves nothing: with a learning rate of 0, a run would silently train for hours. */
import { ones, type Tensor, tensor } from '@lockstep/autodiff';
import type { GradientTransformation, TensorTree } from '@lockstep/optim';
import { flatten } from '@lockstep/tree';

/** Accumulation moves parameters only in every nth step. */
const maxSteps = 128;

/**
 * The number of first steps in which a parameter with a gradient of 1 has not moved; undefined if the optimizer moves
 * it.
 */
export function idleSteps(
  optimizer: GradientTransformation,
  totalSteps: number,
  batchSize: number,
): number | undefined {
  const params = { w: ones([2], 'float32') };
  const numSteps = Math.min(totalSteps, maxSteps);
  try {
    let state: TensorTree = optimizer.init(params);
    for (let step = 0; step < numSteps; step++) {
      const progress = { step: float(step), totalSteps, loss: float(1), samples: float(batchSize) };
      const [updates, next] = optimizer.update({ w: ones([2], 'float32') }, state, params, progress);
      if (!isZero(updates)) return undefined;
      state = next;
    }
    return numSteps;
  } catch {
    // The optimizer expects parameters of other names, so this test says nothing about it.
    return undefined;
  }
}

const float = (value: number): Tensor => tensor(value, { dtype: 'float32' });

function isZero(updates: TensorTree): boolean {
  return flatten(updates).leaves.every((leaf) => (leaf as Tensor).abs().sum().item() === 0);
}
