/** The identity of a state: hashes over names, types, shapes and bytes of its arrays, and the chain of these hashes. */
import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { TypedArray } from '@lockstep/tensor';
import type { ProgramForm, Variable } from './programs.ts';

type ReplicaForm = Pick<ProgramForm, 'params' | 'state' | 'optState'>;

/** SHA-256 in hexadecimal. */
export interface StateHashes {
  /** Of parameters and model state (running statistics). */
  readonly fingerprint: string;
  /** Of the arrays of the fingerprint and then the optimizer's state: all that the next steps follow from. */
  readonly stateHash: string;
}

/** Hashing that can be broken off between two pieces; each yields its bytes. */
type Hashing<Result> = Generator<number, Result>;

/** A piece takes some tens of milliseconds. */
const pieceLength = 2 ** 23;
const pauseBytes = 2 ** 25;

/** SHA-256 of parameters and state in hexadecimal. It leaves the optimizer's state out, on which only later parameters depend. */
export function fingerprint(variables: readonly Variable[], arrays: readonly TypedArray[]): string {
  return atOnce(hashingModel(variables, arrays));
}

/** `arrays`: of the replica, in the order of `replicaGroups`. Costs one pass over them. */
export function stateHashes(form: ReplicaForm, arrays: readonly TypedArray[]): StateHashes {
  return atOnce(hashingState(form, arrays));
}

/** The {@link fingerprint} of a replica. Lets other work of this thread go on meanwhile; nobody may write to the arrays. */
export function fingerprintInPieces(
  { params, state }: ReplicaForm,
  arrays: readonly TypedArray[],
): Promise<string> {
  return inPieces(hashingModel([...params, ...state], arrays));
}

/** {@link stateHashes}, as {@link fingerprintInPieces}. */
export function stateHashesInPieces(form: ReplicaForm, arrays: readonly TypedArray[]): Promise<StateHashes> {
  return inPieces(hashingState(form, arrays));
}

function* hashingModel(variables: readonly Variable[], arrays: readonly TypedArray[]): Hashing<string> {
  const hash = createHash('sha256');
  yield* hashing(hash, variables, arrays);
  return hash.digest('hex');
}

/** The hash of the state goes on where that of the model ends. */
function* hashingState(
  { params, state, optState }: ReplicaForm,
  arrays: readonly TypedArray[],
): Hashing<StateHashes> {
  const model = createHash('sha256');
  yield* hashing(model, [...params, ...state], arrays);
  const whole = model.copy();
  yield* hashing(whole, optState, arrays.slice(params.length + state.length));
  return { fingerprint: model.digest('hex'), stateHash: whole.digest('hex') };
}

function* hashing(
  hash: Hash,
  variables: readonly Variable[],
  arrays: readonly TypedArray[],
): Generator<number, void> {
  for (const [i, { name, dtype, shape }] of variables.entries()) {
    const array = arrays[i]!;
    hash.update(JSON.stringify([name, dtype, shape]));
    for (let at = 0; at < array.length; at += pieceLength) {
      const { buffer, byteOffset, byteLength } = withOneNaN(array.subarray(at, at + pieceLength));
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
      yield byteLength;
    }
  }
}

function atOnce<Result>(work: Hashing<Result>): Result {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

async function inPieces<Result>(work: Hashing<Result>): Promise<Result> {
  let numBytes = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    numBytes += value;
    if (numBytes < pauseBytes) continue;
    numBytes = 0;
    await setImmediate();
  }
}

/**
 * Treats all NaN bit patterns as one: no rule says which one an operation returns, and a run that has diverged must
 * have the same hashes on all workers.
 */
function withOneNaN(array: TypedArray): TypedArray {
  if (!(array instanceof Float32Array || array instanceof Float64Array)) return array;
  let copy: Float32Array | Float64Array | undefined;
  for (let i = 0; i < array.length; i++) {
    if (!Number.isNaN(array[i])) continue;
    copy ??= array.slice();
    copy[i] = Number.NaN;
  }
  return copy ?? array;
}

/** The next link of a chain of hashes. Equal chains mean that all hashes so far were equal. */
export function extendChain(chain: string, step: number, value: string): string {
  return createHash('sha256').update(`${chain} ${step} ${value}`).digest('hex');
}

/**
 * The chain after a step: extended by its fingerprint, and then by the hash of its whole state, by each if the schedule asks for
 * it at this step.
 */
export function chainAfter(chain: string, step: number, hashes: Partial<StateHashes>): string {
  const values = [hashes.fingerprint, hashes.stateHash].filter((value) => value !== undefined);
  return values.reduce((before, value) => extendChain(before, step, value), chain);
}
