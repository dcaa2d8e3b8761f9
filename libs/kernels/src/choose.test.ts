import { afterEach, describe, expect, it, vi } from 'vitest';
import { createKernels, offeredProfiles, profileStatus } from './choose.ts';
import { nativeStatus } from './native/addon.ts';
import { referenceKernels } from './reference/index.ts';
import { MIN_SCRATCH_BYTES } from './wasm/wasm.ts';
import { createMemory } from './wasm/webassembly.ts';

const memory = createMemory(2 * MIN_SCRATCH_BYTES);
const options = { memory, scratchOffset: 0, scratchBytes: MIN_SCRATCH_BYTES };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The square of [[1 + 2⁻¹², 1], [1, −1]]: one of its elements differs between the profiles. */
function square(kernels: Pick<ReturnType<typeof createKernels>, 'matmul'>, shared: boolean): Float32Array {
  const buffer = shared ? memory.buffer : new ArrayBuffer(MIN_SCRATCH_BYTES + 64);
  const x = new Float32Array(buffer, MIN_SCRATCH_BYTES, 4);
  const out = new Float32Array(buffer, MIN_SCRATCH_BYTES + 16, 4);
  x.set([1, 1 + 2 ** -12, 1 - 2 ** -12, -1]);
  const attrs = { batch: 1, m: 2, n: 2, k: 2, transposeA: false, transposeB: false };
  kernels.matmul(out, x, x, { ...attrs, batchA: true, batchB: true });
  return out.slice();
}

describe('the choice of kernels', () => {
  it.each(offeredProfiles())('gives kernels of profile %s with its bits', (profile) => {
    const kernels = createKernels({ ...options, profile });
    expect(kernels.profile).toBe(profile);
    const expected = square(referenceKernels(profile), false);
    expect(square(kernels, true)).toEqual(expected);
    expect(square(kernels, false)).toEqual(expected);
  });

  it('gives portable ones unless told, which every machine has', () => {
    expect(createKernels(options).profile).toBe('portable');
    expect(offeredProfiles().at(-1)).toBe('portable');
    expect(profileStatus('portable')).toMatchObject({ offered: true });
  });

  it('leaves native kernels out where WebAssembly is wished for', () => {
    vi.stubEnv('LOCKSTEP_BACKEND', 'wasm');
    expect(profileStatus('portable')).toEqual({ offered: true, backend: 'wasm SIMD' });
    const status = profileStatus('fma');
    expect(status.offered ? status.backend : status.reason).toMatch(/relaxed SIMD/);
    expect(createKernels(options).name).toBe('wasm');
  });

  it('says what is missing where native kernels are wished for and there are none', () => {
    vi.stubEnv('LOCKSTEP_BACKEND', 'native');
    vi.stubEnv('LOCKSTEP_NATIVE', 'off');
    expect(() => offeredProfiles()).toThrow(
      /LOCKSTEP_BACKEND=native: LOCKSTEP_NATIVE=off leaves the native kernels out; leave it unset/,
    );
  });

  it.runIf(nativeStatus().available)('takes native kernels for all but portable contractions', () => {
    expect(createKernels({ ...options, profile: 'fma' }).name).toBe('native');
    expect(profileStatus('fma')).toMatchObject({ backend: expect.stringMatching(/^native /) });
    expect(profileStatus('portable')).toMatchObject({
      backend: expect.stringMatching(/^wasm SIMD, native /),
    });
  });

  it('names the backends when another is wished for', () => {
    vi.stubEnv('LOCKSTEP_BACKEND', 'cuda');
    expect(() => offeredProfiles()).toThrow(/LOCKSTEP_BACKEND=cuda: the backends are native and wasm/);
  });
});
