/** Kinds of arguments, and rules for the options of ops that layers of the same name pass on. */

export { conv1dRules, conv2dRules } from './compositions/convolution/convolve.ts';
export {
  convTranspose1dRules,
  convTranspose2dRules,
} from './compositions/convolution/convolve-transposed.ts';
export { avgPool1dRules, avgPoolRules, pool1dRules, poolRules } from './compositions/convolution/pool.ts';
export * from './kinds.ts';
