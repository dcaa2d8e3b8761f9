import type { TypedArray } from '@lockstep/tensor';
import type { Kernels } from '../kernels.ts';
import type { Exports } from './module.ts';

/** What the kernels of one instance work with. */
export interface Context {
  readonly wasm: Exports;
  /** What the instance cannot do; of the same profile. */
  readonly reference: Kernels;
  readonly work: number;
  /** Address of the attributes. */
  readonly attrs: number;
  readonly words: Int32Array;
  /** Whether all arrays are float32 and lie in the memory. */
  readonly floats: (...arrays: readonly TypedArray[]) => boolean;
  /** Whether all arrays lie in the memory. */
  readonly inside: (...arrays: readonly TypedArray[]) => boolean;
}
