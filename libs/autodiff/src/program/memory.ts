/**
 * Memory for compiled functions. A WebAssembly memory reserves gibibytes of addresses, a process has addresses for a
 * few thousand such memories, and an endless loop releases none. Therefore all programs of a profile, of which one runs
 * at a time, share one memory that grows. A program that needs much memory gets its own, which is released with the
 * program.
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
  /** Where the caller's bytes begin, after the kernels' scratch. */
  readonly byteOffset: number;
  readonly kernels: Kernels;
  /**
   * Takes the memory. Returns whether another program has taken it since the last call; then nothing of this program is
   * left in it.
   */
  take(): boolean;
}

/** The shared memory lives as long as the thread, so its size is bounded. */
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

/** Views and kernels from before the memory grew still work, since the memory does not move. */
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
