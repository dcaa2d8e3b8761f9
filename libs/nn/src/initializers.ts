/** Initial values of parameters, float32. */

import * as autodiff from '@lockstep/autodiff';
import { aNumber, type Check, type Rules, signature } from '@lockstep/errors';
import { sizeOf } from '@lockstep/tensor';
import { type Fans, fansOf, type Initializer } from './fans.ts';
import { aShape, aTensor } from './kinds.ts';

export { orthogonal } from './orthogonal.ts';

/** The arguments of every initialiser. */
function checkOf(name: string): Check {
  return signature(name, { key: aTensor, shape: aShape, 'fans?': aShape });
}

/** Normal, with a variance that depends on the kernel's fans. */
function scaledNormal(name: string, variance: (fans: Fans) => number): Initializer {
  const check = checkOf(name);
  return (key, shape, fans = shape) => {
    check(key, shape, fans);
    return autodiff.normal(key, shape).mul(Math.sqrt(variance(fansOf(fans))));
  };
}

/** Uniform in ±√(3·variance), which has the given variance. */
function scaledUniform(name: string, variance: (fans: Fans) => number): Initializer {
  const check = checkOf(name);
  return (key, shape, fans = shape) => {
    check(key, shape, fans);
    const limit = Math.sqrt(3 * variance(fansOf(fans)));
    return autodiff.uniform(key, shape, -limit, limit);
  };
}

/** Variance 2/fanIn: keeps the size of activations through relu layers (He et al., 2015). */
export const heNormal = scaledNormal('heNormal', ({ fanIn }) => 2 / fanIn);
/** Uniform, with the variance of {@link heNormal}. */
export const heUniform = scaledUniform('heUniform', ({ fanIn }) => 2 / fanIn);
/** Variance 2/(fanIn + fanOut): for tanh and sigmoid (Glorot and Bengio, 2010). */
export const xavierNormal = scaledNormal('xavierNormal', ({ fanIn, fanOut }) => 2 / (fanIn + fanOut));
/** Uniform, with the variance of {@link xavierNormal}. */
export const xavierUniform = scaledUniform('xavierUniform', ({ fanIn, fanOut }) => 2 / (fanIn + fanOut));
/** Variance 1/fanIn: for layers without activation (LeCun et al., 1998). */
export const lecunNormal = scaledNormal('lecunNormal', ({ fanIn }) => 1 / fanIn);
/** Uniform, with the variance of {@link lecunNormal}. */
export const lecunUniform = scaledUniform('lecunUniform', ({ fanIn }) => 1 / fanIn);

const checkTorchDefault = checkOf('torchDefault');

/** Uniform in ±1/√fanIn: PyTorch's default for kernels and biases of linear and convolution layers. */
export const torchDefault: Initializer = (key, shape, fans = shape) => {
  checkTorchDefault(key, shape, fans);
  const limit = 1 / Math.sqrt(fansOf(fans).fanIn);
  return autodiff.uniform(key, shape, -limit, limit);
};

/** Zeros: for biases and shifts. */
export const zeros: Initializer = (_key, shape) => autodiff.zeros(shape);
/** Ones: for scales. */
export const ones: Initializer = (_key, shape) => autodiff.ones(shape);

const checkNormal = signature('normal', { stddev: aNumber });

/** Normal with mean 0. */
export function normal(stddev: number): Initializer {
  checkNormal(stddev);
  return (key, shape) => autodiff.normal(key, shape).mul(stddev);
}

export interface TruncatedNormalOptions {
  /** Bounds of the values, in standard deviations. Default −2 and 2. */
  readonly low?: number;
  readonly high?: number;
}

export const truncatedNormalRules: Rules<TruncatedNormalOptions> = { low: aNumber, high: aNumber };

const checkTruncatedNormal = signature('truncatedNormal', { stddev: aNumber }, truncatedNormalRules);

/** Normal with mean 0 and, before truncation, standard deviation `stddev`. */
export function truncatedNormal(stddev: number, options: TruncatedNormalOptions = {}): Initializer {
  checkTruncatedNormal(stddev, options);
  const { low = -2, high = 2 } = options;
  return (key, shape) => autodiff.truncatedNormal(key, shape, low, high).mul(stddev);
}

const checkUniform = signature('uniform', { low: aNumber, high: aNumber });

/** Uniform in [low, high). */
export function uniform(low: number, high: number): Initializer {
  checkUniform(low, high);
  return (key, shape) => autodiff.uniform(key, shape, low, high);
}

const checkFill = signature('fill', { value: aNumber });

/** All elements equal. */
export function fill(value: number): Initializer {
  checkFill(value);
  return (_key, shape) => autodiff.full(shape, value);
}

const checkIdentity = checkOf('identity');

/**
 * A kernel that passes its input on: 1 where input and output channel are the same, else 0; in a convolution's
 * kernel, at the middle place. [.., in, out]
 */
export const identity: Initializer = (key, shape, fans) => {
  checkIdentity(key, shape, fans);
  fansOf(shape);
  const values = new Float32Array(sizeOf(shape));
  const [numIn, numOut] = shape.slice(-2) as [number, number];
  const middle = shape.slice(0, -2).reduce((place, length) => place * length + ((length - 1) >> 1), 0);
  for (let i = 0; i < Math.min(numIn, numOut); i++) values[(middle * numIn + i) * numOut + i] = 1;
  return autodiff.tensor(values, { shape });
};
