import { type Kernels, referenceKernels } from '@lockstep/kernels';

export const createEagerKernels = (): Kernels => referenceKernels();

/** Memory for one compiled function and the kernels that work in it. */
export function createProgramMemory(bytes: number): {
  buffer: ArrayBuffer;
  byteOffset: number;
  kernels: Kernels;
} {
  return { buffer: new ArrayBuffer(bytes), byteOffset: 0, kernels: referenceKernels() };
}
