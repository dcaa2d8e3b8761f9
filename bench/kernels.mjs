/** The kernels that are measured: the fastest of a numeric profile on this machine. */
import { createKernels, MIN_SCRATCH_BYTES } from '@lockstep/kernels';

export const SCRATCH_BYTES = MIN_SCRATCH_BYTES;

export const kernelsOf = ({ profile, memory, scratchOffset = 0 }) =>
  createKernels({ profile, memory, scratchOffset, scratchBytes: SCRATCH_BYTES });
