/**
 * First values of parameters, float32. The fans of a kernel are the numbers of inputs an output depends on and of
 * outputs an input reaches: [in, out], and [kh, kw, in, out] with kh·kw places each.
 */

import type { Tensor } from '@lockstep/autodiff';
import * as autodiff from '@lockstep/autodiff';
import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape, sizeOf } from '@lockstep/tensor';

export type Initializer = (key: Tensor, shape: Shape) => Tensor;

interface Fans {
  readonly fanIn: number;
  readonly fanOut: number;
}

function fansOf(shape: Shape): Fans {
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

/** Normal with the variance a kernel's fans ask for. */
const scaledNormal =
  (variance: (fans: Fans) => number): Initializer =>
  (key, shape) =>
    autodiff.normal(key, shape).mul(Math.sqrt(variance(fansOf(shape))));

/** Uniform in ±√(3·variance), which has that variance. */
const scaledUniform =
  (variance: (fans: Fans) => number): Initializer =>
  (key, shape) => {
    const limit = Math.sqrt(3 * variance(fansOf(shape)));
    return autodiff.uniform(key, shape, -limit, limit);
  };

/** Variance 2/fanIn: keeps the size of activations through relu layers (He et al., 2015). */
export const heNormal = scaledNormal(({ fanIn }) => 2 / fanIn);
/** {@link heNormal}'s variance, uniformly distributed. */
export const heUniform = scaledUniform(({ fanIn }) => 2 / fanIn);
/** Variance 2/(fanIn + fanOut): for tanh and sigmoid (Glorot and Bengio, 2010). */
export const xavierNormal = scaledNormal(({ fanIn, fanOut }) => 2 / (fanIn + fanOut));
/** {@link xavierNormal}'s variance, uniformly distributed. */
export const xavierUniform = scaledUniform(({ fanIn, fanOut }) => 2 / (fanIn + fanOut));
/** Variance 1/fanIn: for layers without activation (LeCun et al., 1998). */
export const lecunNormal = scaledNormal(({ fanIn }) => 1 / fanIn);

export const zeros: Initializer = (_key, shape) => autodiff.zeros(shape);
export const ones: Initializer = (_key, shape) => autodiff.ones(shape);

/** Normal with mean 0. */
export const normal =
  (stddev: number): Initializer =>
  (key, shape) =>
    autodiff.normal(key, shape).mul(stddev);
