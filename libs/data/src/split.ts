import { type Kind, LockstepError, type Rules } from '@lockstep/errors';
import { permutation } from '@lockstep/rng';
import { sizeOf } from '@lockstep/tensor';
import { type Field, type Split, type SplitName, sharedLike, splitNames } from './dataset.ts';

/** Fractions of the rows to hold out, each in 0 … 1. The remaining rows are for training. */
export interface SplitFractions {
  readonly validation?: number;
  readonly test?: number;
}

const fraction: Kind = {
  what: 'a fraction from 0 to 1',
  fits: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

export const splitRules: Rules<SplitFractions> = { validation: fraction, test: fraction };

/** An arbitrary constant in place of a seed, so that a dataset is the same in every run. */
const splitKey = [0x73706c69, 0x74000000] as const;

/**
 * The rows of each split, in ascending order. Which rows are held out depends only on the number of rows and the
 * fractions, never on the seed. The held-out rows are scattered over the file, because files are often sorted.
 */
export function splitRows(numRows: number, fractions: SplitFractions): Record<SplitName, Int32Array> {
  const { validation = 0, test = 0 } = fractions;
  const [numTest, numValidation] = [Math.round(numRows * test), Math.round(numRows * validation)];
  const valid = validation >= 0 && test >= 0 && numTest + numValidation < numRows;
  if (!valid) {
    throw new LockstepError(
      'argument',
      `split: validation ${validation} and test ${test} of ${numRows} rows leave none for training; give fractions whose sum is below 1`,
      { validation, test, numRows },
    );
  }
  const order = permutation(splitKey, numRows);
  const held = numTest + numValidation;
  return {
    train: order.slice(held).sort(),
    validation: order.slice(numTest, held).sort(),
    test: order.slice(0, numTest).sort(),
  };
}

/** Copies the rows of each split into columns of its own, in shared memory. Empty splits are left out. */
export function splitColumns(
  columns: readonly Field[],
  rows: Readonly<Record<SplitName, Int32Array>>,
): { train: Split; validation?: Split; test?: Split } {
  const take = (indices: Int32Array): Split => ({
    size: indices.length,
    fields: Object.fromEntries(columns.map((column) => [column.name, takeRows(column, indices)])),
  });
  const held = splitNames.filter((name) => name !== 'train' && rows[name].length > 0);
  return { train: take(rows.train), ...Object.fromEntries(held.map((name) => [name, take(rows[name])])) };
}

function takeRows(column: Field, indices: Int32Array): Field {
  const rowSize = sizeOf(column.shape);
  const storage = sharedLike(column.storage, indices.length * rowSize);
  for (const [row, index] of indices.entries()) {
    storage.set(column.storage.subarray(index * rowSize, (index + 1) * rowSize), row * rowSize);
  }
  return { ...column, storage };
}
