import type { Kernels } from '../kernels.ts';
import { matmul, segmentedContraction } from './contraction.ts';
import { conv2d, conv2dInputGrad, conv2dKernelGrad } from './convolution.ts';
import { binary, cast, compare, fill, select, unary } from './elementwise.ts';
import { fused } from './fused.ts';
import { gather, scatterAdd } from './indexing.ts';
import { moments, treeMoments } from './moments.ts';
import { maxPool, maxPoolScatter, maxPoolSelect } from './pool.ts';
import { randomBits, unitFromBits } from './random.ts';
import { argmax, reduce, treeSum } from './reduce.ts';
import { readStrided, writeStrided } from './strided.ts';

const reference: Kernels = {
  name: 'reference',
  profile: 'portable',
  fill,
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
  matmul,
  segmentedContraction,
  conv2d,
  conv2dInputGrad,
  conv2dKernelGrad,
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
};

/**
 * The specification in TypeScript: any dtype, any arrays, every sum in its written order. It is obvious rather than
 * fast; the other backends are tested against it bit for bit.
 */
export function referenceKernels(): Kernels {
  return reference;
}
