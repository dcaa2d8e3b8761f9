/** The identity of trained parameters: one hash over names, types, shapes and bytes. */
import { createHash } from 'node:crypto';
import type { TypedArray } from '@lockstep/tensor';
import type { Variable } from './programs.ts';

/** SHA-256 of parameters and state (running statistics) in hexadecimal; optimizer state follows from them. */
export function fingerprint(variables: readonly Variable[], arrays: readonly TypedArray[]): string {
  const hash = createHash('sha256');
  for (const [i, { name, dtype, shape }] of variables.entries()) {
    const { buffer, byteOffset, byteLength } = withOneNaN(arrays[i]!);
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest('hex');
}

/**
 * Treats all NaN bit patterns as one: no rule says which one an operation returns, and a run that has diverged must
 * have the same fingerprint on all workers.
 */
function withOneNaN(array: TypedArray): TypedArray {
  if (!(array instanceof Float32Array || array instanceof Float64Array)) return array;
  let copy: Float32Array | Float64Array | undefined;
  for (let i = 0; i < array.length; i++) {
    if (!Number.isNaN(array[i])) continue;
    copy ??= array.slice();
    copy[i] = Number.NaN;
  }
  return copy ?? array;
}

/** The next link of a chain of fingerprints. Equal chains mean that all fingerprints so far were equal. */
export function extendChain(chain: string, step: number, value: string): string {
  return createHash('sha256').update(`${chain} ${step} ${value}`).digest('hex');
}
