/**
 * The kernels as one module over a shared memory. Addresses and counts are arguments; `work` is scratch of the calling
 * thread. Nothing is static, because every thread has its own instance over the same memory.
 */
export { conv2d, conv2dInputGrad } from './convolution';
export { digest } from './digest';
export { binary, compare, select, unary } from './elementwise';
export { gather } from './indexing';
export { matmul } from './matmul';
export { moments } from './moments';
export { maxPoolScatter, maxPoolSelect } from './pool';
export { randomBits, unitFromBits } from './random';
export { addListedRows, addRows, endRows, reduce, treeSum } from './reduce';
export { scatterAdd } from './scatter';
export { conv2dKernelGrad, segmentedContraction } from './segments';
export { copyStrided } from './strided';
export { winogradConv2d, winogradInputGrad } from './winograd';
export { winogradKernelGrad } from './winograd-grad';
export { workBytes } from './workspace';
