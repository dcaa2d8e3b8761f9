/** Lengths of axes for an unknown number of rows: a length is a number, or a multiple of the number of rows. */
import { LockstepError } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';

export type Length = number | Batches;

/** A multiple of the number of rows. */
export interface Batches {
  readonly batches: number;
}

export const isFixed = (length: Length): length is number => typeof length === 'number';

export const sameLength = (a: Length, b: Length): boolean =>
  isFixed(a) || isFixed(b) ? a === b : a.batches === b.batches;

/** A length that ONNX needs as a number. Throws an `argument` error if it depends on the batch. */
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

/** A length as a number, or in terms of the name of the batch's rows: `batch`, `3*batch`. */
export function nameOfLength(length: Length, batchName: string): number | string {
  if (isFixed(length)) return length;
  return length.batches === 1 ? batchName : `${length.batches}*${batchName}`;
}

export const formatLengths = (shape: readonly Length[]): string =>
  `[${shape.map((length) => nameOfLength(length, 'batch')).join(', ')}]`;
