/**
 * The state that a worker holds: parameters, model state and optimizer state, in two copies. Updates change the current copy in
 * place. The initial state and states from elsewhere fill the spare copy, and a commit makes it the current one.
 */

import { decodeSafetensors, encodeSafetensors, type Tensors } from '@lockstep/checkpoint';
import type { NamedBytes } from '@lockstep/collectives';
import {
  fillArray,
  fillReplica,
  firstNonFinite,
  initialProgress,
  misfit,
  otherCopy,
  type Programs,
  type Progress,
  type ReplicaCopy,
  replicaVariables,
  viewer,
  type WorkerLayout,
} from '@lockstep/run';
import type { TypedArray } from '@lockstep/tensor';
import { createStateHashing, type StateHashing } from './state-hashing.ts';

export interface Replica extends Omit<StateHashing, 'forget'> {
  readonly copy: ReplicaCopy;
  readonly progress: Progress;
  /** Takes views of a new layout. The arrays themselves stay where they are. */
  attach(buffer: SharedArrayBuffer, layout: WorkerLayout): void;
  /** Notes that the spare copy has been filled with a state of this progress, for the commit that follows. */
  filled(progress: Progress): void;
  /** Notes that an update has changed the current copy. What the spare one was filled with is not committed any more. */
  updated(): void;
  setProgress(progress: Progress): void;
  /** Copies the current state into the spare one, so that an update can be taken back. */
  keep(): void;
  /** Takes back the update since {@link keep}: the spare copy becomes the current one. */
  takeBack(): void;
  /** The first array of parameters or model state that is not finite, by name. */
  firstNonFinite(): string | undefined;
  /** Copies of parameters and model state. */
  trained(): TypedArray[];
  /** Makes the spare copy the current one if it has been filled. After an update the state is in its place already. */
  commit(): void;
  /** A copy of the current state. */
  snapshot(): NamedBytes[];
  /** Puts a snapshot into the spare copy. Throws `checkpoint` when it is of another model. */
  acceptSnapshot(entries: readonly NamedBytes[]): void;
  /** A safetensors file of the current state. */
  encode(metadata: Readonly<Record<string, string>>): Uint8Array;
  /** Reads a safetensors file into the spare copy. Throws `checkpoint` when it is of another model. */
  decode(file: Uint8Array, progress: Progress): void;
}

const progressEntry = 'progress';

export function createReplica(programs: Programs): Replica {
  const variables = replicaVariables(programs);
  const numModelArrays = programs.params.length + programs.state.length;
  let copies: readonly [readonly TypedArray[], readonly TypedArray[]] = [[], []];
  let copy: ReplicaCopy = 0;
  let progress = initialProgress;
  /** Of the spare copy, while a commit may make it the current one. */
  let spareProgress: Progress | undefined;
  const hashing = createStateHashing(programs, () => copies[copy]);

  return {
    get copy() {
      return copy;
    },
    get progress() {
      return progress;
    },
    attach(buffer, layout) {
      hashing.forget();
      const view = viewer(buffer);
      copies = [layout.replica[0].map(view), layout.replica[1].map(view)];
    },
    filled(next) {
      spareProgress = next;
    },
    updated() {
      hashing.forget();
      spareProgress = undefined;
    },
    setProgress(next) {
      progress = next;
    },
    commit() {
      if (spareProgress === undefined) return;
      hashing.forget();
      copy = otherCopy(copy);
      progress = spareProgress;
      spareProgress = undefined;
    },
    keep() {
      spareProgress = undefined;
      for (const [i, array] of copies[copy].entries()) copies[otherCopy(copy)][i]!.set(array);
    },
    takeBack() {
      hashing.forget();
      copy = otherCopy(copy);
    },
    firstNonFinite: () => firstNonFinite(programs, copies[copy]),
    trained: () => copies[copy].slice(0, numModelArrays).map((array) => array.slice()),
    fingerprint: hashing.fingerprint,
    stateHash: hashing.stateHash,
    hash: hashing.hash,
    snapshot: () => [
      ...variables.map(({ name }, i) => ({ name, bytes: bytesOf(copies[copy][i]!).slice() })),
      { name: progressEntry, bytes: Buffer.from(JSON.stringify(progress)) },
    ],
    acceptSnapshot(entries) {
      const byName = new Map(entries.map(({ name, bytes }) => [name, bytes]));
      const spare = otherCopy(copy);
      spareProgress = undefined;
      for (const [i, { name }] of variables.entries()) {
        fillArray(name, copies[spare][i]!, byName.get(name) ?? missing(name));
      }
      spareProgress = JSON.parse(
        Buffer.from(byName.get(progressEntry) ?? missing(progressEntry)).toString(),
      ) as Progress;
    },
    encode(metadata) {
      const tensors: Tensors = Object.fromEntries(
        variables.map(({ name, dtype, shape }, i) => [name, { dtype, shape, data: copies[copy][i]! }]),
      );
      return encodeSafetensors(tensors, metadata);
    },
    decode(file, restored) {
      const { tensors } = decodeSafetensors(file);
      const spare = otherCopy(copy);
      spareProgress = undefined;
      fillReplica(variables, copies[spare], tensors);
      spareProgress = restored;
    },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function missing(name: string): never {
  throw misfit(name, 'is missing');
}
