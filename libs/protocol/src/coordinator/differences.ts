/** Differences between a worker and what it wants to work for. */

import { PROTOCOL_VERSION } from '../constants.ts';
import type { Hello, Profile, RefusalCode } from '../messages/messages.ts';

/** Why a worker is refused. */
export interface Difference {
  readonly code: RefusalCode;
  readonly message: string;
}

/** `what` is the code of the refusal as well. */
export function differs(what: RefusalCode, has: string, needs: string, remedy: string): Difference {
  return { code: what, message: `${what} differs: the worker has ${has}, the run ${needs}; ${remedy}` };
}

/** The first difference for which a worker can take part in no run of this release and build, or null. */
export function machineDifference(
  { version, build }: { readonly version: string; readonly build: string },
  hello: Hello,
): Difference | null {
  if (hello.protocol !== PROTOCOL_VERSION) {
    return differs('protocol', `${hello.protocol}`, `${PROTOCOL_VERSION}`, 'install the same release');
  }
  if (hello.version !== version) {
    return differs('version', hello.version, version, 'install the same release');
  }
  if (hello.build !== build) {
    const remedy = 'build the same commit on both machines (npm ci), so that they compute the same';
    return differs('build', hello.build, build, remedy);
  }
  return null;
}

export const profileRemedy = 'run lockstep doctor there to see why; --profile portable runs everywhere';

/** Null also for `auto`: the profile is chosen among those that workers offer. */
export function profileDifference(needed: Profile | 'auto', { profiles }: Hello): Difference | null {
  if (needed === 'auto' || profiles.includes(needed)) return null;
  return differs('profile', profiles.join(' and '), needed, profileRemedy);
}
