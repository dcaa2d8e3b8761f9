import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { wasmFmaStatus } from './fma.ts';
import { type Exports, wasmModule } from './module.ts';
import { ATTRS_BYTES, MIN_SCRATCH_BYTES } from './wasm.ts';
import { createMemory, instantiate } from './webassembly.ts';

/** Identifiers of a module's sections (WebAssembly core specification, 5.5.2). */
function sectionIds(binary: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < binary.length; ) {
    ids.push(binary[at++]!);
    let size = 0;
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = binary[at++]!;
      size |= (byte & 0x7f) << shift;
    }
    at += size;
  }
  return ids;
}

describe.each(['portable', 'fma'] as const)('the wasm module of profile %s', (profile) => {
  it('has no globals, tables, start function or data', () => {
    const binary = readFileSync(new URL(`../../build/${profile}.wasm`, import.meta.url));
    const [types, imports, functions, exports, code] = [1, 2, 3, 7, 10];
    expect(sectionIds(binary)).toEqual([types, imports, functions, exports, code]);
  });

  it.runIf(profile === 'portable' || wasmFmaStatus().offered)('is compiled once', () => {
    expect(wasmModule(profile)).toBe(wasmModule(profile));
  });

  it.runIf(profile === 'portable' || wasmFmaStatus().offered)(
    'takes the scratch for its own that all have',
    () => {
      const { workBytes } = instantiate<Exports>(wasmModule(profile), createMemory(1));
      expect(workBytes()).toBe(MIN_SCRATCH_BYTES - ATTRS_BYTES);
    },
  );
});

it('relaxed SIMD is offered, or the status gives a reason', () => {
  const status = wasmFmaStatus();
  expect(`${status.offered || status.reason}`).toMatch(/^true$|has no relaxed SIMD|does not fuse/);
});
