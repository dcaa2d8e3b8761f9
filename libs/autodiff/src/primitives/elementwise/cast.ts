/** Conversion of the element type, and `stopGradient`. */

import { signature } from '@lockstep/errors';
import { type DType, isFloat } from '@lockstep/tensor';
import { bind } from '../../core.ts';
import { batchedAs, copyKernel, primitive } from '../../define.ts';
import { aDType, aTensor } from '../../kinds.ts';
import type { Primitive } from '../../primitive.ts';
import type { Tensor } from '../../tensor.ts';
import { batchElementwise } from './rules.ts';

const castPrimitive: Primitive<{ dtype: DType }> = primitive({
  name: 'cast',
  differentiable: [0],
  shape: ([x], { dtype }) => ({ dtype, shape: x!.shape }),
  kernel:
    (out, [x]) =>
    (kernels) =>
      kernels.cast(out.data, x!.data),
  linear: true,
  vjp: (ct, _argument, [x]) => cast(ct, x!.dtype),
  batch: ([x], _batched, { dtype }) => batchedAs(cast(x!, dtype)),
});

const checkCast = signature('cast', { x: aTensor, dtype: aDType });

/**
 * Converts to another element type. Floats are rounded towards zero and saturate at the ends of the range; NaN becomes
 * 0. int32 and uint32 keep their 32 bits, so −1 becomes 4294967295. Conversion to bool gives x ≠ 0.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkCast(x, dtype);
  if (x.dtype === dtype) return x;
  // A step function has derivative 0; a truncated tangent of integers would be wrong.
  return bind(castPrimitive, [isFloat(dtype) ? x : stopGradient(x)], { dtype });
}

const stopGradientPrimitive: Primitive = primitive({
  name: 'stopGradient',
  alias: true,
  differentiable: [],
  shape: ([x]) => ({ dtype: x!.dtype, shape: x!.shape }),
  kernel: copyKernel,
  batch: batchElementwise(() => stopGradientPrimitive),
});

const checkStopGradient = signature('stopGradient', { x: aTensor });

/** x as a constant: no derivative flows through it. */
export function stopGradient(x: Tensor): Tensor {
  checkStopGradient(x);
  return bind(stopGradientPrimitive, [x], {});
}
