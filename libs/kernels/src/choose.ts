/** Chooses the backend for a profile on this machine. `LOCKSTEP_BACKEND=native|wasm` restricts the choice. */
import { LockstepError } from '@lockstep/errors';
import type { Kernels, Profile } from './kernels.ts';
import { type NativeStatus, nativeStatus } from './native/addon.ts';
import { createNativeKernels } from './native/native.ts';
import { referenceKernels } from './reference/index.ts';
import { wasmFmaStatus } from './wasm/fma.ts';
import { createWasmKernels, type WasmOptions } from './wasm/wasm.ts';

const backends = ['native', 'wasm'] as const;
type Backend = (typeof backends)[number];

/** The backend of a profile on this machine, or why there is none. */
export type ProfileStatus =
  /** For logs and people: `native avx512`, `wasm relaxed SIMD`. */
  { readonly offered: true; readonly backend: string } | { readonly offered: false; readonly reason: string };

/** @throws LockstepError `config` if `LOCKSTEP_BACKEND` names a backend that this machine does not have. */
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
 * The profiles that this machine can compute, best first. `portable` is always among them.
 * @throws LockstepError `config` if `LOCKSTEP_BACKEND` names a backend that this machine does not have.
 */
export function offeredProfiles(): readonly Profile[] {
  return profileStatus('fma').offered ? ['fma', 'portable'] : ['portable'];
}

/**
 * The fastest kernels of a profile, by default `portable`. Arrays should lie in the given memory.
 * @throws LockstepError `config` if this machine cannot compute the profile, or does not have the backend that
 * `LOCKSTEP_BACKEND` names.
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
 * Kernels that move arrays in any memory and need no memory of their own.
 * @throws LockstepError `config` if `LOCKSTEP_BACKEND` names a backend that this machine does not have.
 */
export function createMovingKernels(): Pick<Kernels, 'copy' | 'gather'> {
  const native = allowedNative().available ? createNativeKernels() : undefined;
  return native ?? referenceKernels();
}

/** Native kernels with the contractions of profile `portable`. All other kernels have the same bits in both profiles. */
function withContractions(native: Kernels, options: WasmOptions): Kernels {
  const wasm = createWasmKernels(options);
  const { name, profile, matmul, segmentedContraction, conv2d, conv2dInputGrad, conv2dKernelGrad } = wasm;
  const contractions = { matmul, segmentedContraction, conv2d, conv2dInputGrad, conv2dKernelGrad };
  return { ...native, name, profile, ...contractions };
}

/**
 * The status of the native kernels, unless `LOCKSTEP_BACKEND=wasm` leaves them out.
 * @throws LockstepError `config` if `LOCKSTEP_BACKEND` names a backend that this machine does not have.
 */
export function allowedNative(): NativeStatus {
  const wish = wishedBackend();
  if (wish === 'wasm')
    return { available: false, reason: 'LOCKSTEP_BACKEND=wasm switches the native kernels off' };
  const native = nativeStatus();
  if (native.available || wish === undefined) return native;
  throw new LockstepError(
    'config',
    `LOCKSTEP_BACKEND=native: ${native.reason}; unset it to use the backend that this machine has`,
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
    `LOCKSTEP_BACKEND=${wish}: the backends are ${backends.join(' and ')}; unset it to use the faster one`,
    { backend: wish },
  );
}
