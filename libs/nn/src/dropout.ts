import { bernoulli, where } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import type { Empty, Layer } from './layer.ts';

/**
 * In training sets each element to 0 with probability `rate` and divides the others by 1 − rate, so that the
 * expectation stays; in evaluation the identity (Srivastava et al., 2014). The mask depends on the key alone.
 */
export function dropout(rate: number): Layer<Empty, Empty> {
  if (!(rate >= 0 && rate < 1)) {
    throw new LockstepError(
      'argument',
      `dropout: the rate is ${rate}; it is the part that is dropped, at least 0 and less than 1`,
      { rate },
    );
  }
  const keep = 1 - rate;
  return {
    kind: 'dropout',
    init: (_key, input) => ({ params: {}, state: {}, output: input }),
    apply: (_params, state, x, { training, key }) =>
      training && rate > 0 ? [where(bernoulli(key, keep, x.shape), x.div(keep), 0), state] : [x, state],
  };
}
