/** Memory that processes of one host share, from the small addon `native/shared-memory.cc`. */
import { closeSync } from 'node:fs';
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
}

export type SharedMemory =
  | ({ readonly available: true } & Addon)
  | { readonly available: false; readonly reason: string };

const probeBytes = 4096;

let loaded: SharedMemory | undefined;

/** Whether peers on this host can exchange through memory; `LOCKSTEP_SHARED_MEMORY=off` forbids it. */
export function sharedMemory(): SharedMemory {
  if (process.env.LOCKSTEP_SHARED_MEMORY === 'off') {
    return { available: false, reason: 'LOCKSTEP_SHARED_MEMORY=off' };
  }
  loaded ??= load();
  return loaded;
}

function load(): SharedMemory {
  if (process.platform !== 'linux') {
    return { available: false, reason: `it needs Linux, and this is ${process.platform}` };
  }
  let addon: Addon;
  try {
    addon = createRequire(import.meta.url)('../build/shared-memory.node') as Addon;
  } catch (error) {
    return { available: false, reason: `its addon is not built: ${toWireError(error).message}` };
  }
  try {
    closeSync(addon.create(probeBytes).fd);
  } catch (error) {
    return { available: false, reason: `this system does not give any: ${toWireError(error).message}` };
  }
  return { available: true, ...addon };
}
