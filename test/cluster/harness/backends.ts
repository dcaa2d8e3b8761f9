/** Environments in which workers choose different backends of a profile. */
export const environments: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'the fastest kernels': {},
  // On a machine without these kernels the fastest ones are used, which the first environment tests already.
  'narrower native kernels': { LOCKSTEP_NATIVE: 'avx2' },
  'WebAssembly alone': { LOCKSTEP_BACKEND: 'wasm' },
};
