/** The arrays of a replica by the names that they have in checkpoints and snapshots. */
import { LockstepError } from '@lockstep/errors';
import type { DType, Shape, TypedArray } from '@lockstep/tensor';
import type { ProgramForm, Variable } from './programs.ts';

/** The part of a name before the first slash, in the order of `replicaGroups`. */
type Group = 'params' | 'state' | 'optimizer';

/** Names `params/…`, `state/…` and `optimizer/…`, in the order of `replicaGroups`. */
export function replicaVariables({
  params,
  state,
  optState,
}: Pick<ProgramForm, 'params' | 'state' | 'optState'>): readonly Variable[] {
  const named = (group: Group, list: readonly Variable[]) =>
    list.map((variable): Variable => ({ ...variable, name: `${group}/${variable.name}` }));
  return [...named('params', params), ...named('state', state), ...named('optimizer', optState)];
}

/** An array as a checkpoint holds it. */
interface Saved {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

/** Fills the arrays of a replica from a checkpoint. Throws `checkpoint` if it is of another model. */
export function fillReplica(
  variables: readonly Variable[],
  arrays: readonly TypedArray[],
  saved: Readonly<Record<string, Saved>>,
): void {
  for (const [i, { name, dtype, shape }] of variables.entries()) {
    const found = saved[name];
    if (found === undefined) throw misfit(name, 'is missing');
    if (found.dtype !== dtype || found.shape.join() !== shape.join()) {
      throw misfit(name, `is ${found.dtype}[${found.shape}], not ${dtype}[${shape}]`);
    }
    fillArray(name, arrays[i]!, bytesOf(found.data));
  }
}

/** Fills one array of a replica. Throws `checkpoint` for another number of bytes. */
export function fillArray(name: string, array: TypedArray, bytes: Uint8Array): void {
  if (bytes.byteLength !== array.byteLength)
    throw misfit(name, `has ${bytes.byteLength} bytes, not ${array.byteLength}`);
  bytesOf(array).set(bytes);
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

export function misfit(name: string, what: string): LockstepError {
  return new LockstepError('checkpoint', `the saved state is of another model: ${name} ${what}`, { name });
}
