/** Kinds of arguments, and the options of ops that layers of the same names hand on. */
export * from './kinds.ts';
export { conv1dRules, conv2dRules } from './primitives/convolve.ts';
export { convTranspose1dRules, convTranspose2dRules } from './primitives/convolve-transposed.ts';
export { avgPool1dRules, avgPoolRules, pool1dRules, poolRules } from './primitives/pool.ts';
