import type { TypedArray } from '@lockstep/tensor';
import type { Kernels } from '../kernels.ts';
import type { Exports } from './module.ts';

/** What the kernels of one instance share. */
export interface Context {
  readonly wasm: Exports;
  /** The kernels of the same profile that do what the instance cannot. */
  readonly reference: Kernels;
  /** Address of the workspace. */
  readonly work: number;
  /** Address of the attributes. */
  readonly attrs: number;
  /** The memory at `attrs`. */
  readonly words: Int32Array;
  /** Whether all arrays are float32 and lie in the memory. */
  readonly floats: (...arrays: readonly TypedArray[]) => boolean;
  /** Whether all arrays lie in the memory. */
  readonly inside: (...arrays: readonly TypedArray[]) => boolean;
}
