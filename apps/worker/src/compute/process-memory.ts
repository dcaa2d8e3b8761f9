/**
 * The wasm memory that a worker's threads compute in. One run after the other lays it out: a new memory would have to be filled with
 * zeros by the operating system, page by page, in the first step of each run. It never shrinks.
 */
import { createMemory, type WasmMemory } from '@lockstep/kernels';

export interface ProcessMemory {
  /** The memory, with at least `bytes`. What lies in it stays where it is. A run may find anything there. */
  of(bytes: number): WasmMemory;
}

const pageBytes = 65536;

export function createProcessMemory(): ProcessMemory {
  let memory: WasmMemory | undefined;
  return {
    of(bytes) {
      memory ??= createMemory(bytes);
      const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
      if (missing > 0) memory.grow(missing);
      return memory;
    },
  };
}
