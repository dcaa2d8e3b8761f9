/** `barrier` keeps the order and the place of a computation in a program. */

import { bind } from '../../core.ts';
import { copyKernel, primitive } from '../../define.ts';
import type { Primitive } from '../../primitive.ts';

/**
 * x, not before there is a token, and no longer known to be what it was: what is computed from it is not shared with what
 * was computed from x.
 */
export const barrier: Primitive = primitive({
  name: 'barrier',
  alias: true,
  differentiable: [0],
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  kernel: copyKernel,
  jvp: (t, _argument, [, token]) => bind(barrier, [t, token!], {}),
  vjp: (ct) => ct,
  batch: ([x, token], [batched]) => ({ value: bind(barrier, [x!, token!], {}), batched: batched! }),
});
