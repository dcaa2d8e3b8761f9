/** Memory that processes of one host share, from the small addon `native/shared-memory.cc`. */
import { createRequire } from 'node:module';
import { toWireError } from '@lockstep/errors';

/** The functions of the addon. All throw if the system refuses. */
interface Addon {
  /** Zeroed memory that this process may write to. Closing `fd` prevents further peers from opening it. */
  create(bytes: number): { readonly fd: number; readonly buffer: ArrayBuffer };
  /** Memory that another process created. It is read-only: a write to it ends this process. */
  open(pid: number, fd: number, bytes: number): ArrayBuffer;
  /** The descriptors of a new pipe: its read end and its write end. */
  pipe(): [number, number];
  /**
   * Blocks this thread until a pipe holds bytes, and empties it. Blocks for half a second at most, because nothing can end
   * a thread that blocks here.
   */
  drain(fd: number): void;
  /**
   * Unmaps memory at once: its views are empty from then on. Otherwise garbage collection unmaps it, and only in a thread
   * with an event loop.
   */
  unmap(buffer: ArrayBuffer): void;
}

export type SharedMemory =
  | ({ readonly available: true } & Addon)
  | { readonly available: false; readonly reason: string };

interface Pipe extends Pick<Addon, 'drain' | 'unmap'> {
  readonly ends: readonly [number, number];
}

let loaded: SharedMemory | undefined;

/** Whether peers on this host can exchange through memory; `LOCKSTEP_SHARED_MEMORY=off` forbids it. */
export function sharedMemory(): SharedMemory {
  if (process.env.LOCKSTEP_SHARED_MEMORY === 'off') {
    return { available: false, reason: 'LOCKSTEP_SHARED_MEMORY=off' };
  }
  loaded ??= load();
  return loaded;
}

/** New memory and a new pipe; undefined without shared memory, or if the system (a sandbox) refuses. */
export function createShared(bytes: number): (ReturnType<Addon['create']> & Pipe) | undefined {
  const memory = sharedMemory();
  if (!memory.available) return undefined;
  try {
    return { ...memory.create(bytes), ends: memory.pipe(), drain: memory.drain, unmap: memory.unmap };
  } catch (error) {
    loaded = { available: false, reason: `this system refuses it: ${toWireError(error).message}` };
    return undefined;
  }
}

function load(): SharedMemory {
  if (process.platform !== 'linux') {
    return { available: false, reason: `it needs Linux, and this is ${process.platform}` };
  }
  try {
    const addon = createRequire(import.meta.url)('../build/shared-memory.node') as Addon;
    return { available: true, ...addon };
  } catch (error) {
    return { available: false, reason: `its addon is not built: ${toWireError(error).message}` };
  }
}
