/** Lengths of axes where the number of rows of a batch is not known: numbers, or multiples of that number. */
import { LockstepError } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';

export type Length = number | Batches;

/** So many times the rows of the batch. */
export interface Batches {
  readonly batches: number;
}

export const isFixed = (length: Length): length is number => typeof length === 'number';

export const sameLength = (a: Length, b: Length): boolean =>
  isFixed(a) || isFixed(b) ? a === b : a.batches === b.batches;

/** For an axis that ONNX wants to know. Throws an `argument` error for one that depends on the batch. */
export function fixed(length: Length, what: string): number {
  if (isFixed(length)) return length;
  throw new LockstepError(
    'argument',
    `onnx: ${what} depends on the number of rows in the batch, which an ONNX model leaves open; treat each row alike`,
    { what },
  );
}

export const fixedShape = (shape: readonly Length[], what: string): Shape =>
  shape.map((length) => fixed(length, what));

/** A length as a number, or in terms of what the rows of the batch are called: `batch`, `3*batch`. */
export function nameOfLength(length: Length, batchName: string): number | string {
  if (isFixed(length)) return length;
  return length.batches === 1 ? batchName : `${length.batches}*${batchName}`;
}

export const formatLengths = (shape: readonly Length[]): string =>
  `[${shape.map((length) => nameOfLength(length, 'batch')).join(', ')}]`;
