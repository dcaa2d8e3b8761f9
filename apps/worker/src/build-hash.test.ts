import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildHash, codeHash, sourcesHash, wasmHash } from './build-hash.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-build-'));
  await put('libs/kernels/src/sum.ts', 'a');
  await put('libs/kernels/dist/sum.js', 'a');
  await put('libs/kernels/native/sum.cc', 'a');
  await put('libs/kernels/build/portable.wasm', 'a');
  await put('package-lock.json', '{}');
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, text: string): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

function hashes(): readonly string[] {
  const base = pathToFileURL(`${folder}/`);
  return [codeHash(base), sourcesHash(base), wasmHash(base)];
}

describe('the hash of a build', () => {
  it('is that of the compiled code, whichever module asks for it', async () => {
    const { buildHash: compiled } = (await import(
      '../dist/build-hash.js'
    )) as typeof import('./build-hash.ts');
    expect(buildHash()).toMatch(/^[0-9a-f]{64}$/);
    expect(compiled()).toBe(buildHash());
  });

  it.each([
    ['compiled code', 'libs/kernels/dist/sum.js', [true, false, false]],
    ['native sources', 'libs/kernels/native/sum.cc', [false, true, false]],
    ['the lock file', 'package-lock.json', [false, true, false]],
    ['WebAssembly', 'libs/kernels/build/portable.wasm', [false, false, true]],
  ])('changes with %s', async (_what, path, moved) => {
    const before = hashes();
    await put(path, 'b');
    expect(hashes().map((hash, i) => hash !== before[i])).toEqual(moved);
  });

  it.each([
    ['a native binary, which machines without a compiler lack', 'libs/kernels/build/native.node'],
    ['checks of native code', 'libs/kernels/native/check/check.cc'],
    ['types and maps', 'libs/kernels/dist/sum.js.map'],
    ['a compiled file whose source is gone', 'libs/kernels/dist/gone.js'],
    ['sources, which images leave out', 'libs/kernels/src/new.ts'],
  ])('does not change with %s', async (_what, path) => {
    const before = hashes();
    await put(path, 'b');
    expect(hashes()).toEqual(before);
  });

  it('is the same where sources were removed after the build', async () => {
    const [code] = hashes();
    await rm(join(folder, 'libs/kernels/src'), { recursive: true });
    expect(hashes()[0]).toBe(code);
  });
});
