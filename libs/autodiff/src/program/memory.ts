/**
 * Memory that compiled functions work in. A WebAssembly memory reserves gibibytes of addresses, of which a process has few
 * thousand times as many, and a loop that never ends gives none of them back. So all programs of a profile, of which one
 * runs at a time, share one that grows; whoever needs much has one of its own, which goes with it.
 */
import {
  createKernels,
  createMemory,
  type Kernels,
  MIN_SCRATCH_BYTES,
  type Profile,
} from '@lockstep/kernels';

export interface ProgramMemory {
  readonly buffer: SharedArrayBuffer;
  /** Where the caller's bytes begin; before them lies the kernels' scratch. */
  readonly byteOffset: number;
  readonly kernels: Kernels;
  /** Whether another has taken the memory since this one took it: then nothing is left there of what it has written. */
  take(): boolean;
}

/** The shared memory stays for as long as the thread lives, so it is kept from growing without measure. */
const MAX_SHARED_BYTES = 64 * 2 ** 20;
const PAGE_BYTES = 65536;

interface Shared {
  readonly memory: ReturnType<typeof createMemory>;
  kernels: Kernels;
  user: ProgramMemory | undefined;
}

const shared: Partial<Record<Profile, Shared>> = {};

/** Memory for a program of a profile, with kernels that work in it. */
export function createProgramMemory(bytes: number, profile: Profile): ProgramMemory {
  const byteOffset = MIN_SCRATCH_BYTES;
  if (bytes > MAX_SHARED_BYTES) {
    const memory = createMemory(byteOffset + bytes);
    return { buffer: memory.buffer, byteOffset, kernels: kernelsIn(memory, profile), take: () => false };
  }
  const common = sharedOf(profile, byteOffset + bytes);
  const { kernels } = common;
  const own: ProgramMemory = {
    buffer: common.memory.buffer,
    byteOffset,
    kernels,
    take() {
      const isOther = common.user !== own;
      common.user = own;
      return isOther;
    },
  };
  return own;
}

/** Views and kernels of the time before it grew still work: the memory stays where it is. */
function sharedOf(profile: Profile, bytes: number): Shared {
  const known = shared[profile];
  if (known === undefined) {
    const memory = createMemory(bytes);
    const made: Shared = { memory, kernels: kernelsIn(memory, profile), user: undefined };
    shared[profile] = made;
    return made;
  }
  const { byteLength } = known.memory.buffer;
  if (bytes > byteLength) {
    known.memory.grow(Math.ceil((Math.max(bytes, 2 * byteLength) - byteLength) / PAGE_BYTES));
    known.kernels = kernelsIn(known.memory, profile);
  }
  return known;
}

const kernelsIn = (memory: ReturnType<typeof createMemory>, profile: Profile): Kernels =>
  createKernels({ memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES, profile });
