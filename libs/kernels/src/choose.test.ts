import { afterEach, describe, expect, it, vi } from 'vitest';
import { createKernels, createMovingKernels, offeredProfiles, profileStatus } from './choose.ts';
import type { Kernels } from './kernels.ts';
import { nativeStatus } from './native/addon.ts';
import { referenceKernels } from './reference/index.ts';
import { MIN_SCRATCH_BYTES } from './wasm/wasm.ts';
import { createMemory } from './wasm/webassembly.ts';

const memory = createMemory(2 * MIN_SCRATCH_BYTES);
const options = { memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** −1 + (1 + 2⁻¹³)(1 − 2⁻¹³): −2⁻²⁶ when rounded once, 0 when the product is rounded to 1. */
function product({ matmul }: Kernels, shared: boolean): number {
  const buffer = shared ? memory.buffer : new ArrayBuffer(MIN_SCRATCH_BYTES + 64);
  const at = (place: number, length: number) =>
    new Float32Array(buffer, MIN_SCRATCH_BYTES + 16 * place, length);
  const [a, b, out] = [at(0, 2), at(1, 2), at(2, 1)];
  a.set([-1, 1 + 2 ** -13]);
  b.set([1, 1 - 2 ** -13]);
  const attrs = { batch: 1, m: 1, n: 1, k: 2, transposeA: false, transposeB: false };
  matmul(out, a, b, { ...attrs, batchA: true, batchB: true });
  return out[0]!;
}

describe('the choice of kernels', () => {
  it.each(offeredProfiles())('gives kernels of profile %s with its bits', (profile) => {
    const kernels = createKernels({ ...options, profile });
    expect(kernels.profile).toBe(profile);
    const expected = { fma: -(2 ** -26), portable: 0 }[profile];
    for (const own of [kernels, referenceKernels(profile)]) {
      expect([product(own, true), product(own, false)]).toEqual([expected, expected]);
    }
  });

  it.each(['', 'wasm'])('moves arrays in any memory, with LOCKSTEP_BACKEND=%s', (backend) => {
    vi.stubEnv('LOCKSTEP_BACKEND', backend);
    const { copy, gather } = createMovingKernels();
    const table = new Int32Array(new SharedArrayBuffer(8000)).map((_, i) => i);
    const out = new Int32Array(memory.buffer, MIN_SCRATCH_BYTES, 2000);
    copy(out, table);
    expect([out[0], out[1999]]).toEqual([0, 1999]);
    gather(out, table, Int32Array.of(1, 9, 0), { rows: 2, width: 2 });
    expect([...out.subarray(0, 7)]).toEqual([2, 3, 0, 0, 0, 1, 6]);
  });

  it('gives portable kernels by default, which every machine has', () => {
    expect(createKernels(options).profile).toBe('portable');
    expect(offeredProfiles().at(-1)).toBe('portable');
    expect(profileStatus('portable')).toMatchObject({ offered: true });
  });

  it('switches native kernels off if LOCKSTEP_BACKEND asks for WebAssembly', () => {
    vi.stubEnv('LOCKSTEP_BACKEND', 'wasm');
    expect(profileStatus('portable')).toEqual({ offered: true, backend: 'wasm SIMD' });
    const status = profileStatus('fma');
    expect(status.offered ? status.backend : status.reason).toMatch(/relaxed SIMD/);
    expect(createKernels(options).name).toBe('wasm');
  });

  it('says what is missing if LOCKSTEP_BACKEND asks for native kernels and there are none', () => {
    vi.stubEnv('LOCKSTEP_BACKEND', 'native');
    vi.stubEnv('LOCKSTEP_NATIVE', 'off');
    expect(() => offeredProfiles()).toThrow(
      /LOCKSTEP_BACKEND=native: LOCKSTEP_NATIVE=off switches the native kernels off; unset it/,
    );
  });

  it.runIf(nativeStatus().available)('takes native kernels for all but portable contractions', () => {
    expect(createKernels({ ...options, profile: 'fma' }).name).toBe('native');
    expect(profileStatus('fma')).toMatchObject({ backend: expect.stringMatching(/^native /) });
    expect(profileStatus('portable')).toMatchObject({
      backend: expect.stringMatching(/^wasm SIMD, native /),
    });
  });

  it('names the backends if LOCKSTEP_BACKEND asks for another one', () => {
    vi.stubEnv('LOCKSTEP_BACKEND', 'cuda');
    expect(() => offeredProfiles()).toThrow(/LOCKSTEP_BACKEND=cuda: the backends are native and wasm/);
  });
});
