/**
 * Fans of a kernel: the number of inputs that an output depends on, and of outputs that an input reaches. Kernels are
 * [in, out], or [kh, kw, in, out] with kh·kw places.
 */
import type { Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape, sizeOf } from '@lockstep/tensor';

/**
 * Initial values of a parameter. `fans` is the shape from which fans are counted if it is not the parameter's own:
 * for a bias, the shape of its kernel.
 */
export type Initializer = (key: Tensor, shape: Shape, fans?: Shape) => Tensor;

export interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

export function fansOf(shape: Shape): Fans {
  if (shape.length < 2) {
    throw new LockstepError(
      'shape',
      `a parameter of shape ${formatShape(shape)} has no fan-in; initialise it with zeros, ones or normal(stddev)`,
      { shape },
    );
  }
  const places = sizeOf(shape.slice(0, -2));
  return { fanIn: places * shape.at(-2)!, fanOut: places * shape.at(-1)! };
}
