import type { Tensor } from '@lockstep/autodiff';
import { LockstepError, numberFrom, signature } from '@lockstep/errors';
import { flatten, frozenLeaves } from '@lockstep/tree';

/** A term of the objective that depends on the parameters alone. Differentiated once per step, not once per shard. */
export type Penalty = (params: unknown) => Tensor;

const checkL2 = signature('l2', { lambda: numberFrom(0) }, {});

/**
 * L2 regularisation, or weight decay: J(w) = L(w) + λ·‖w‖², whose gradient is ∇L(w) + 2λ·w. Covers tensors with two
 * or more axes (kernels and embeddings), but not biases, normalisation parameters and frozen tensors.
 */
export function l2(lambda: number, ...none: []): Penalty {
  checkL2(lambda, ...none);
  return (params) => {
    const isFrozen = frozenLeaves(params);
    const kernels = (flatten(params).leaves as Tensor[]).filter(({ rank }, i) => rank >= 2 && !isFrozen[i]);
    if (kernels.length === 0) {
      throw new LockstepError(
        'argument',
        'l2: no trained parameter has two or more axes, so there is nothing to penalise; write the penalty as a function of the parameters',
        { lambda },
      );
    }
    return kernels
      .map((kernel) => kernel.square().sum())
      .reduce((total, squares) => total.add(squares))
      .mul(lambda);
  };
}
