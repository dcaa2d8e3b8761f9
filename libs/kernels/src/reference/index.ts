import { isWinograd } from '../convolution-algorithm.ts';
import type { Kernels, Profile } from '../kernels.ts';
import { matmul, segmentedContraction } from './contraction.ts';
import { conv2d, conv2dInputGrad, conv2dKernelGrad } from './convolution.ts';
import { digest } from './digest.ts';
import { binary, cast, compare, copy, fill, select, unary } from './elementwise.ts';
import { fused } from './fused.ts';
import { gather, scatterAdd } from './indexing.ts';
import { moments, treeMoments } from './moments.ts';
import { maxPool, maxPoolScatter, maxPoolSelect } from './pool.ts';
import { randomBits, unitFromBits } from './random.ts';
import { argmax, reduce, treeSum } from './reduce.ts';
import { readStrided, writeStrided } from './strided.ts';
import { winogradConv2d, winogradInputGrad, winogradKernelGrad } from './winograd.ts';

const common = {
  fill,
  copy,
  cast,
  unary,
  binary,
  compare,
  select,
  fused,
  readStrided,
  writeStrided,
  reduce,
  argmax,
  maxPool,
  maxPoolSelect,
  maxPoolScatter,
  gather,
  scatterAdd,
  treeSum,
  moments,
  treeMoments,
  randomBits,
  unitFromBits,
  digest,
};

function kernelsOf(profile: Profile): Kernels {
  return {
    name: 'reference',
    profile,
    ...common,
    matmul: (...args) => matmul(profile, ...args),
    segmentedContraction: (...args) => segmentedContraction(profile, ...args),
    conv2d: (...args) => (isWinograd('conv2d', args[3]) ? winogradConv2d : conv2d)(profile, ...args),
    conv2dInputGrad: (...args) =>
      (isWinograd('conv2dInputGrad', args[3]) ? winogradInputGrad : conv2dInputGrad)(profile, ...args),
    conv2dKernelGrad: (...args) =>
      (isWinograd('conv2dKernelGrad', args[3]) ? winogradKernelGrad : conv2dKernelGrad)(profile, ...args),
  };
}

const kernels: Readonly<Record<Profile, Kernels>> = {
  portable: kernelsOf('portable'),
  fma: kernelsOf('fma'),
};

/**
 * The specification in TypeScript: any dtype, any memory, every sum in its written order. It is plain rather than fast; the
 * other backends are tested against it bit for bit.
 */
export function referenceKernels(profile: Profile = 'portable'): Kernels {
  return kernels[profile];
}
