import { aFunction, LockstepError, oneOf, signature } from '@lockstep/errors';
import { createEagerKernels, type Kernels, type Profile, profileStatus } from '@lockstep/kernels';

let profile: Profile = 'portable';
let kernels: Kernels | undefined;

const checkUseProfile = signature('useProfile', { profile: oneOf('portable', 'fma') });

/**
 * Chooses the arithmetic of matmul and convolution for everything that this thread computes from now on outside of
 * runs: eager ops and calls of functions that `jit` compiles, whenever these were first called. The default is
 * `portable`, the same on every machine; `fma` is faster.
 * @throws LockstepError `config` if this machine cannot compute the profile.
 */
export function useProfile(wanted: Profile): void {
  checkUseProfile(wanted);
  const status = profileStatus(wanted);
  if (!status.offered) {
    throw new LockstepError(
      'config',
      `useProfile: this machine does not offer ${wanted}: ${status.reason}; use portable`,
      {
        profile: wanted,
      },
    );
  }
  kernels = createEagerKernels(wanted);
  profile = wanted;
}

export function currentProfile(): Profile {
  return profile;
}

export function eagerKernels(): Kernels {
  kernels ??= createEagerKernels(profile);
  return kernels;
}

const checkWithProfile = signature('withProfile', { profile: oneOf('portable', 'fma'), body: aFunction });

/** Runs `body` in the arithmetic of a profile, and goes back to that before. Throws as {@link useProfile}. */
export function withProfile<T>(wanted: Profile, body: () => T): T {
  checkWithProfile(wanted, body);
  const before = profile;
  if (wanted === before) return body();
  useProfile(wanted);
  try {
    return body();
  } finally {
    useProfile(before);
  }
}
