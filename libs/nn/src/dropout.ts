import { bernoulli, type Tensor, where } from '@lockstep/autodiff';
import { aNumber, LockstepError, signature } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import { checkedLayer, type Empty, type Layer, requireContext } from './layer.ts';

const checkDropout = signature('dropout', { rate: aNumber }, {});

/**
 * In training, sets each element to 0 with probability `rate` and divides the others by 1 − rate, which keeps the
 * expectation; in evaluation, the identity (Srivastava et al., 2014). The mask depends on the key alone.
 */
export function dropout(rate: number, ...none: []): Layer<Empty, Empty> {
  checkDropout(rate, ...none);
  return dropping('dropout', rate, (shape) => shape);
}

const checkSpatialDropout = signature('spatialDropout', { rate: aNumber }, {});

/**
 * {@link dropout} of whole channels: neighbouring places hold nearly the same information, so dropping single
 * elements would drop nothing (Tompson et al., 2015). [rows, .., C] → the same
 */
export function spatialDropout(rate: number, ...none: []): Layer<Empty, Empty> {
  checkSpatialDropout(rate, ...none);
  return dropping('spatialDropout', rate, (shape) =>
    shape.map((length, axis) => (axis === 0 || axis === shape.length - 1 ? length : 1)),
  );
}

function dropping(kind: string, rate: number, maskShape: (shape: Shape) => Shape): Layer<Empty, Empty> {
  requireRate(kind, rate);
  return checkedLayer({
    kind,
    init: (_key, input) => ({ params: {}, state: {}, output: input }),
    apply: (_params, state, x, { training, key } = { training: false }) => [
      training ? dropped(x, rate, requireContext(kind, 'key', key), maskShape(x.shape)) : x,
      state,
    ],
  });
}

/** x times a mask of `shape`, which broadcasts to x's, scaled by 1/(1 − rate). */
export function dropped(x: Tensor, rate: number, key: Tensor, shape: Shape = x.shape): Tensor {
  if (rate === 0) return x;
  const keep = 1 - rate;
  // 0·x instead of 0: a dropped NaN stays NaN, as in PyTorch. Adding 0 turns −0 into 0.
  return where(bernoulli(key, keep, shape), x.div(keep), x.mul(0).add(0));
}

export function requireRate(kind: string, rate: number): void {
  if (rate >= 0 && rate < 1) return;
  throw new LockstepError(
    'argument',
    `${kind}: the rate is ${rate}; it is the part that is dropped, at least 0 and less than 1`,
    { rate },
  );
}
