/** The measured kernels: the fastest of a numeric profile on this machine. */
import { createKernels, MIN_SCRATCH_BYTES, profileStatus } from '@lockstep/kernels';

export const SCRATCH_BYTES = MIN_SCRATCH_BYTES;

export const kernelsOf = ({ profile, memory, scratchOffset = 0 }) =>
  createKernels({ profile, memory, scratchOffset, scratchBytes: SCRATCH_BYTES });

/** A description with the instruction set. */
export function backendOf(profile) {
  const status = profileStatus(profile);
  if (status.offered === false) throw new Error(`profile ${profile} is not offered here: ${status.reason}`);
  return status.backend;
}
