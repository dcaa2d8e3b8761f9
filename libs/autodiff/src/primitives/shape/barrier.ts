/** `barrier` orders a computation after another one and keeps it from being shared. */

import { bind } from '../../core.ts';
import { copyKernel, primitive } from '../../define.ts';
import type { Primitive } from '../../primitive.ts';

/**
 * x once the token is computed, as a value that the optimizer does not identify with x: what is computed from it is not
 * shared with what was computed from x.
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
