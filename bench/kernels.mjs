/** The kernels that are measured: those of a numeric profile, on the best backend that this machine has for it. */
import { createKernels, createMemory, MIN_SCRATCH_BYTES } from '@lockstep/kernels';

export { offeredProfiles } from '@lockstep/kernels';

export const SCRATCH_BYTES = MIN_SCRATCH_BYTES;

export function createProfileKernels({ profile, memory, scratchOffset }) {
  return createKernels({ profile, memory, scratchOffset, scratchBytes: SCRATCH_BYTES });
}

/** `native` or `wasm`. */
export function backendOf(profile) {
  const memory = createMemory(SCRATCH_BYTES);
  return createProfileKernels({ profile, memory, scratchOffset: 0 }).name;
}
