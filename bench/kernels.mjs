/** The kernels that are measured: those of a numeric profile, on the best backend that this machine has for it. */
import { createMemory, createWasmKernels, MIN_SCRATCH_BYTES, wasmFmaStatus } from '@lockstep/kernels';

export const SCRATCH_BYTES = MIN_SCRATCH_BYTES;

/** From the best. */
export function offeredProfiles() {
  return wasmFmaStatus().offered ? ['fma', 'portable'] : ['portable'];
}

export function createProfileKernels({ profile, memory, scratchOffset }) {
  return createWasmKernels({ profile, memory, scratchOffset, scratchBytes: SCRATCH_BYTES });
}

/** `native` or `wasm`. */
export function backendOf(profile) {
  const memory = createMemory(SCRATCH_BYTES);
  return createProfileKernels({ profile, memory, scratchOffset: 0 }).name;
}
