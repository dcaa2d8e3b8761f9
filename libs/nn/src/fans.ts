/**
 * The fans of a kernel are the numbers of inputs an output depends on and of outputs an input reaches: [in, out], and
 * [kh, kw, in, out] with kh·kw places each.
 */
import type { Tensor } from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape, sizeOf } from '@lockstep/tensor';

/**
 * First values of a parameter. `fans` is the shape that fans are counted of where that is not its own: for a bias, its
 * kernel's.
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
