/** Memory for one compiled function, with kernels that work in it. */
import { createKernels, createMemory, type Kernels, MIN_SCRATCH_BYTES } from '@lockstep/kernels';
import { currentProfile } from '../profile.ts';

export interface ProgramMemory {
  readonly buffer: SharedArrayBuffer;
  /** Where the caller's bytes begin; before them lies the kernels' scratch. */
  readonly byteOffset: number;
  readonly kernels: Kernels;
}

export function createProgramMemory(bytes: number): ProgramMemory {
  const memory = createMemory(MIN_SCRATCH_BYTES + bytes);
  const kernels = createKernels({
    memory,
    scratchOffset: 0,
    scratchBytes: MIN_SCRATCH_BYTES,
    profile: currentProfile(),
  });
  return { buffer: memory.buffer, byteOffset: MIN_SCRATCH_BYTES, kernels };
}
