/** Memory that processes of one host share, from the small addon `native/shared-memory.cc`. */
import { createRequire } from 'node:module';
import { toWireError } from '@lockstep/errors';

/** Exports of the addon. All throw where the system refuses. */
interface Addon {
  /** Zeros that this process may write to. `fd` is to be closed when no more peers should open it. */
  create(bytes: number): { readonly fd: number; readonly buffer: ArrayBuffer };
  /** What another process created, only to be read: a write to it ends the process. */
  open(pid: number, fd: number, bytes: number): ArrayBuffer;
  /** Descriptors of a new pipe: to read from, to write to. */
  pipe(): [number, number];
  /**
   * Blocks this thread until there is something in a pipe, and empties it; for half a second at most, since nothing can end a thread
   * meanwhile.
   */
  drain(fd: number): void;
  /**
   * Unmaps memory at once: its views are empty from then on. Without it that comes with garbage collection, in a thread with
   * an event loop.
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

/** Memory and a pipe of our own; undefined where there is no shared memory, or this system, a sandbox, gives none. */
export function createShared(bytes: number): (ReturnType<Addon['create']> & Pipe) | undefined {
  const memory = sharedMemory();
  if (!memory.available) return undefined;
  try {
    return { ...memory.create(bytes), ends: memory.pipe(), drain: memory.drain, unmap: memory.unmap };
  } catch (error) {
    loaded = { available: false, reason: `this system gives none: ${toWireError(error).message}` };
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
