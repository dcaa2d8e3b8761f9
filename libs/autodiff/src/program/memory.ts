/** Memory for one compiled function, with kernels that work in it. */
import { createMemory, createWasmKernels, type Kernels, MIN_SCRATCH_BYTES } from '@lockstep/kernels';

export interface ProgramMemory {
  readonly buffer: SharedArrayBuffer;
  /** Where the caller's bytes begin; before them lies the kernels' scratch. */
  readonly byteOffset: number;
  readonly kernels: Kernels;
}

export function createProgramMemory(bytes: number): ProgramMemory {
  const memory = createMemory(MIN_SCRATCH_BYTES + bytes);
  const kernels = createWasmKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES });
  return { buffer: memory.buffer, byteOffset: MIN_SCRATCH_BYTES, kernels };
}
