/**
 * What a worker records of each step, and where: a pure function of programs and blocks, as the layout is. A digest is two words,
 * the low one first.
 */
import { bytesPerElement, type DType, sizeOf } from '@lockstep/tensor';
import { itemsOf } from './groups.ts';
import type { Programs, Variable } from './programs.ts';
import { type ExchangedVariable, exchangedVariables } from './record-names.ts';
import { replicaVariables } from './replica-variables.ts';
import { modelGroups } from './signatures.ts';

/**
 * `full`: digests of each block's batch and partials, of each exchange's results and of each array of the replica. `chain`: one
 * digest of parameters and model state. `auto`: `full` where it takes about a hundredth of a step's time or less, else `chain`.
 */
export type RecordMode = 'auto' | 'off' | 'chain' | 'full';

/** What digests stand for: names of the exchanged variables by exchange, and of the replica's arrays. */
export interface RecordForm {
  readonly exchanges: readonly (readonly string[])[];
  readonly replica: readonly string[];
}

export interface RecordContents {
  readonly form: RecordForm;
  /** By exchange; empty where only the state is recorded. */
  readonly variables: readonly (readonly ExchangedVariable[])[];
}

/** The place of `count` digests in a worker's memory. */
export interface DigestPlace {
  readonly dtype: DType & 'uint32';
  readonly shape: readonly [count: number, words: 2];
  readonly byteOffset: number;
}

export interface RecordLayout extends RecordContents {
  /** The digests that a worker reports, in one piece: `replicated`, then those of its blocks. */
  readonly digests: DigestPlace;
  /** Of the results by exchange and variable, then of the replica's arrays. All members have the same. */
  readonly replicated: DigestPlace;
  /** Of each block: of its samples, its columns and its partials by exchange and variable. Empty where blocks are not recorded. */
  readonly blocks: readonly DigestPlace[];
  /** One digest of `replicated`. */
  readonly agreed: DigestPlace;
  /** Of each thread: digests that are digested again. */
  readonly parts: readonly DigestPlace[];
}

/** Bounds a report, of which workers keep up to 4096. A worker whose digests take more does not record its blocks. */
const mostBytes = 1 << 18;

/** Bounds the names and their length as text, since they travel in one message. Beyond that, a run records its state as one. */
const mostNames = 1 << 13;
const mostTextLength = 1 << 18;

/** In bytes, as JSON. */
const textLength = (names: readonly string[]): number => Buffer.byteLength(JSON.stringify(names));

/** The name of the digest of parameters and model state, in `chain`. */
const modelName = 'model';

/**
 * What is recorded of each step; undefined if nothing is. It does not depend on a worker's shards, so all members record the same.
 *
 * @param batchSize of the run
 */
export function recordContents(
  programs: Programs,
  mode: RecordMode,
  batchSize: number,
): RecordContents | undefined {
  if (mode === 'off') return undefined;
  const isWanted = mode === 'full' || (mode === 'auto' && isCheap(programs, batchSize));
  const variables = isWanted ? exchangedVariables(programs.shard(1), programs) : [];
  const exchanges = variables.map((list) => list.map(({ name }) => name));
  const replica = replicaVariables(programs).map(({ name }) => name);
  const names = [...exchanges.flat(), ...replica];
  const isFull = isWanted && names.length <= mostNames && textLength(names) <= mostTextLength;
  return isFull
    ? { form: { exchanges, replica }, variables }
    : { form: { exchanges: [], replica: [modelName] }, variables: [] };
}

/**
 * Whether a worker that computes all of a batch takes digests of everything in about a hundredth of the time of its step. A core
 * computes 90 GFLOP/s and reads 38 GB/s for digests with AVX-512, and about a third of both in WebAssembly.
 */
function isCheap(programs: Programs, batchSize: number): boolean {
  const { columns, params, state, optState, rowsPerShard } = programs;
  const one = programs.shard(1);
  const flops = (batchSize / rowsPerShard) * programs.shardFlops;
  const exchanged = one.exchanges.flat().reduce((sum, { size }) => sum + 4 * size, 0);
  const bytes = batchSize * bytesOf(columns) + exchanged + bytesOf([...params, ...state, ...optState]);
  return flops >= leastFlopsPerByte * bytes;
}

const leastFlopsPerByte = 256;

const bytesOf = (variables: readonly Variable[]): number =>
  variables.reduce((sum, { dtype, shape }) => sum + sizeOf(shape) * bytesPerElement(dtype), 0);

/** Whether the replica's arrays have one digest together. */
export const isChain = ({ variables }: RecordContents): boolean => variables.length === 0;

/**
 * @param numBlocks of the worker
 * @param take takes memory of so many bytes, and gives its offset
 */
export function layoutRecord(
  programs: Programs,
  contents: RecordContents,
  numBlocks: number,
  numThreads: number,
  take: (bytes: number) => number,
): RecordLayout {
  const { form, variables } = contents;
  const numVariables = variables.flat().length;
  const numReplicated = numVariables + form.replica.length;
  const numOwn = 2 + numVariables;
  const isRecorded = !isChain(contents) && digestBytes * (numReplicated + numBlocks * numOwn) <= mostBytes;
  const numRecorded = isRecorded ? numBlocks : 0;
  const digests = digestsAt(take, numReplicated + numRecorded * numOwn);
  const part = (first: number, count: number) =>
    digestsAt(() => digests.byteOffset + digestBytes * first, count);
  const mostParts = Math.max(programs.columns.length, numSampleParts, itemsOf(modelGroups(programs)).length);
  return {
    ...contents,
    digests,
    replicated: part(0, numReplicated),
    blocks: Array.from({ length: numRecorded }, (_, i) => part(numReplicated + i * numOwn, numOwn)),
    agreed: digestsAt(take, 1),
    parts: Array.from({ length: numThreads }, () => digestsAt(take, mostParts)),
  };
}

const digestBytes = 8;

/** A block's samples are indices, weights and keys. */
const numSampleParts = 3;

const digestsAt = (take: (bytes: number) => number, count: number): DigestPlace => ({
  ...{ dtype: 'uint32', shape: [count, 2] },
  byteOffset: take(digestBytes * count),
});
