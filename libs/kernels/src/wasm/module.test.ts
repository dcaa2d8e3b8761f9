import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { portableModule } from './module.ts';

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

describe('the wasm module', () => {
  it('has code and nothing static: no globals, tables, start or data', () => {
    const binary = readFileSync(new URL('../../build/portable.wasm', import.meta.url));
    const [types, imports, functions, exports, code] = [1, 2, 3, 7, 10];
    expect(sectionIds(binary)).toEqual([types, imports, functions, exports, code]);
  });

  it('is compiled once', () => {
    expect(portableModule()).toBe(portableModule());
  });
});
