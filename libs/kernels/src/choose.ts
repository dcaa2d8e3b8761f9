/** Which backend computes a profile on this machine. `LOCKSTEP_BACKEND=native|wasm` narrows the choice. */
import { LockstepError } from '@lockstep/errors';
import type { Kernels, Profile } from './kernels.ts';
import { type NativeStatus, nativeStatus } from './native/addon.ts';
import { createNativeKernels } from './native/native.ts';
import { referenceKernels } from './reference/index.ts';
import { wasmFmaStatus } from './wasm/fma.ts';
import { createWasmKernels, type WasmOptions } from './wasm/wasm.ts';

const backends = ['native', 'wasm'] as const;
type Backend = (typeof backends)[number];

/** What computes a profile here, or why nothing does. */
export type ProfileStatus =
  /** In words, for logs and people: `native avx512`, `wasm relaxed SIMD`. */
  { readonly offered: true; readonly backend: string } | { readonly offered: false; readonly reason: string };

/** @throws LockstepError `config` if `LOCKSTEP_BACKEND` names what is not here. */
export function profileStatus(profile: Profile): ProfileStatus {
  const native = allowedNative();
  if (profile === 'portable') {
    const others = native.available ? `, native ${native.instructionSet} for all but contractions` : '';
    return { offered: true, backend: `wasm SIMD${others}` };
  }
  if (native.available) return { offered: true, backend: `native ${native.instructionSet}` };
  const wasm = wasmFmaStatus();
  if (wasm.offered) return { offered: true, backend: 'wasm relaxed SIMD' };
  return { offered: false, reason: `${native.reason}, and ${wasm.reason}` };
}

/**
 * The profiles that this machine can compute, best first; `portable` is always one.
 * @throws LockstepError `config` if `LOCKSTEP_BACKEND` names what is not here.
 */
export function offeredProfiles(): readonly Profile[] {
  return profileStatus('fma').offered ? ['fma', 'portable'] : ['portable'];
}

/**
 * The fastest kernels of a profile, `portable` unless told. Arrays should lie in the memory.
 * @throws LockstepError `config` if this machine cannot compute the profile, or `LOCKSTEP_BACKEND` names what is not here.
 */
export function createKernels(options: WasmOptions): Kernels {
  const { profile = 'portable' } = options;
  const native = allowedNative().available ? createNativeKernels() : undefined;
  if (profile === 'portable') return native ? withContractions(native, options) : createWasmKernels(options);
  const status = profileStatus(profile);
  if (status.offered) return native ?? createWasmKernels(options);
  throw new LockstepError(
    'config',
    `this machine cannot compute profile ${profile}: ${status.reason}; choose --profile portable, or another machine`,
    { profile },
  );
}

/**
 * What moves arrays as they are, in any memory and without any of its own.
 * @throws LockstepError `config` if `LOCKSTEP_BACKEND` names what is not here.
 */
export function createMovingKernels(): Pick<Kernels, 'copy' | 'gather'> {
  const native = allowedNative().available ? createNativeKernels() : undefined;
  return native ?? referenceKernels();
}

/** The native kernels are of profile `fma`; what is no contraction has the same bits in both. */
function withContractions(native: Kernels, options: WasmOptions): Kernels {
  const wasm = createWasmKernels(options);
  const { name, profile, matmul, segmentedContraction, conv2d, conv2dInputGrad, conv2dKernelGrad } = wasm;
  const contractions = { matmul, segmentedContraction, conv2d, conv2dInputGrad, conv2dKernelGrad };
  return { ...native, name, profile, ...contractions };
}

/**
 * The status of the native kernels, unless `LOCKSTEP_BACKEND=wasm` leaves them out.
 * @throws LockstepError `config` if `LOCKSTEP_BACKEND` names what is not here.
 */
export function allowedNative(): NativeStatus {
  const wish = wishedBackend();
  if (wish === 'wasm')
    return { available: false, reason: 'LOCKSTEP_BACKEND=wasm leaves the native kernels out' };
  const native = nativeStatus();
  if (native.available || wish === undefined) return native;
  throw new LockstepError(
    'config',
    `LOCKSTEP_BACKEND=native: ${native.reason}; leave it unset for what there is`,
    { backend: wish },
  );
}

function wishedBackend(): Backend | undefined {
  const wish = process.env.LOCKSTEP_BACKEND;
  if (wish === undefined || wish === '') return undefined;
  const known = backends.find((name) => name === wish);
  if (known !== undefined) return known;
  throw new LockstepError(
    'config',
    `LOCKSTEP_BACKEND=${wish}: the backends are ${backends.join(' and ')}; leave it unset for the faster one`,
    { backend: wish },
  );
}
