/** The part of the WebAssembly interface that we use. TypeScript has types for it in the library for browsers only. */

import { adviseLargePages } from '../native/addon.ts';

/** A shared `WebAssembly.Memory`; it can be posted to other threads. */
export interface WasmMemory {
  /** The whole memory. `grow` replaces the buffer; views of the old one keep their length. */
  readonly buffer: SharedArrayBuffer;
  /** Adds pages of 64 KiB and returns their former number. */
  grow(pages: number): number;
}

/** A compiled `WebAssembly.Module`; it can be posted to other threads. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module';
}

interface Interface {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Module: new (binary: Uint8Array) => WasmModule;
  readonly validate: (binary: Uint8Array) => boolean;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: unknown };
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Interface };

export const PAGE_BYTES = 65536;
/** The pages of four gibibytes, the range of a 32-bit address. */
export const MAX_PAGES = 65536;

/** In a larger memory a sweep over many arrays spends a tenth of its time on the translation of addresses to 4 KiB pages. */
const LARGE_BYTES = 64 * 2 ** 20;

/** Creates a shared memory of at least `bytes` for arrays and for the scratch of kernels. */
export function createMemory(bytes: number): WasmMemory {
  const initial = Math.ceil(bytes / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial, maximum: MAX_PAGES, shared: true });
  if (bytes >= LARGE_BYTES) adviseLargePages(memory.buffer);
  return memory;
}

/** Whether this host has the module's instructions. */
export function validate(binary: Uint8Array): boolean {
  return WebAssembly.validate(binary);
}

export function compile(binary: Uint8Array): WasmModule {
  return new WebAssembly.Module(binary);
}

/** The exports of a module whose only import is its memory. */
export function instantiate<Exports>(module: WasmModule, memory: WasmMemory): Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Exports;
}
