/** The hashes of the current state of a replica, each computed once however often it is asked for. */
import {
  fingerprint,
  fingerprintInPieces,
  type ProgramForm,
  type StateHashes,
  stateHashes,
  stateHashesInPieces,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';

export interface StateHashing {
  fingerprint(): string;
  /** The hash of all arrays, with the optimizer's. */
  stateHash(): string;
  /** Computes the fingerprint, with `whole` the hash of all arrays too, while this thread answers others. */
  hash(whole: boolean): Promise<void>;
  /** The state has changed. */
  forget(): void;
}

/** `arrays` gives those of the current state. */
export function createStateHashing(
  form: Pick<ProgramForm, 'params' | 'state' | 'optState'>,
  arrays: () => readonly TypedArray[],
): StateHashing {
  let known: Partial<StateHashes> = {};
  return {
    fingerprint() {
      const value = known.fingerprint ?? fingerprint([...form.params, ...form.state], arrays());
      known = { ...known, fingerprint: value };
      return value;
    },
    stateHash() {
      const { stateHash } = known;
      if (stateHash !== undefined) return stateHash;
      const hashes = stateHashes(form, arrays());
      known = hashes;
      return hashes.stateHash;
    },
    async hash(whole) {
      known = whole
        ? await stateHashesInPieces(form, arrays())
        : { fingerprint: await fingerprintInPieces(form, arrays()) };
    },
    forget() {
      known = {};
    },
  };
}
