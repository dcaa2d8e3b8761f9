/** Turns new rows, in the forms that people have them, into the columns that a model takes. */
import { type NestedNumbers, Tensor, tensor, where } from '@lockstep/autodiff';
import {
  type DatasetForm,
  encodeRecords,
  type Feature,
  type FieldForm,
  type NewRows,
  type NumberFeature,
  type RowRecord,
  widthOf,
} from '@lockstep/data';
import { describeValue, LockstepError } from '@lockstep/errors';
import { formatShape, holds, isFloat, sizeOf } from '@lockstep/tensor';
import type { Inputs } from '@lockstep/training';

/** Rows in the form of the data: objects by the names of columns, or numbers [rows, ..input] before any preprocessing. */
export type Rows = readonly RowRecord[] | readonly NestedNumbers[] | Tensor;

/** The columns of rows. @throws LockstepError `shape`, `argument` or `data` that says which rows the model takes. */
export function prepareRows(form: DatasetForm, rows: Rows): Inputs {
  if (Array.isArray(rows) && rows.length === 0) {
    throw new LockstepError('argument', 'outputs: there are no rows, so their outputs have no shape', {});
  }
  if (isRecords(rows)) {
    if (form.format === undefined) {
      throw new LockstepError(
        'argument',
        `predict: the data '${form.name}' have no named columns; give rows as numbers of the shape ${formatShape(inputOf(form).shape)}`,
        { form: form.name },
      );
    }
    return batchOfTable(form, encodeRecords(form.format, rows));
  }
  const words = form.format?.features.find(({ kind }) => kind !== 'number');
  if (words !== undefined) {
    throw new LockstepError(
      'argument',
      `predict: column '${words.column}' holds words, so a row cannot be a list of numbers; give rows as objects by the names of columns`,
      { column: words.column },
    );
  }
  return { x: prepareInput(form, requireValues(form, rowsTensor(form, rows))) };
}

/** Refuses missing values for which the training has no replacement. @throws LockstepError `data` for a NaN. */
function requireValues(form: DatasetForm, raw: Tensor): Tensor {
  const width = sizeOf(raw.shape.slice(1));
  const isFilled = (place: number): boolean => {
    const feature = form.format?.features[place];
    return feature?.kind === 'number' && feature.missing !== null;
  };
  const at = raw.data.findIndex((value, i) => Number.isNaN(value) && !isFilled(i % width));
  if (at < 0) return requireHeld(inputOf(form), raw, width);
  throw new LockstepError(
    'data',
    `predict: row ${Math.floor(at / width) + 1} holds NaN at place ${at % width}`,
    {
      row: Math.floor(at / width) + 1,
    },
  );
}

/** @throws LockstepError `data` for a value that the type of the training's rows cannot hold. */
function requireHeld({ dtype }: FieldForm, raw: Tensor, width: number): Tensor {
  const isInfinite = (value: number): boolean =>
    isFloat(dtype) && Math.abs(Math.fround(value)) === Number.POSITIVE_INFINITY;
  const at = raw.data.findIndex((value) => !holds(dtype, value) || isInfinite(value));
  if (at < 0) return raw;
  const [row, place] = [Math.floor(at / width) + 1, at % width];
  throw new LockstepError(
    'data',
    `predict: row ${row} holds ${raw.data[at]} at place ${place}, which is not a value of ${dtype}, the type of the rows of the training`,
    { row, place, dtype },
  );
}

export function batchOfTable(form: DatasetForm, encoded: NewRows): Inputs {
  const { x, width, categories, numCategories, numRows } = encoded;
  const places = () => tensor(categories, { shape: [numRows, numCategories] });
  if (form.fields.x?.dtype === 'int32') return { x: places() };
  const numbers = tensor(x, { shape: [numRows, width] });
  return numCategories === 0 ? { x: numbers } : { x: numbers, categories: places() };
}

function isRecords(rows: Rows): rows is readonly RowRecord[] {
  if (rows instanceof Tensor) return false;
  if (!Array.isArray(rows)) {
    throw new LockstepError(
      'argument',
      `predict: takes a list of rows or a tensor, not ${describeValue(rows)}`,
      {},
    );
  }
  const [first] = rows as readonly unknown[];
  return typeof first === 'object' && first !== null && !Array.isArray(first) && !ArrayBuffer.isView(first);
}

function inputOf(form: DatasetForm): FieldForm {
  const { x } = form.fields;
  if (x !== undefined) return x;
  throw new LockstepError(
    'experiment',
    `predict: the data '${form.name}' have no column x; their columns are ${Object.keys(form.fields).join(', ')}`,
    {},
  );
}

/** The rows as a tensor [rows, ..input]. @throws LockstepError `shape` for rows of another shape. */
function rowsTensor(form: DatasetForm, rows: readonly NestedNumbers[] | Tensor): Tensor {
  const { shape } = inputOf(form);
  const given = rows instanceof Tensor ? rows : tensor(rows as NestedNumbers[]);
  const fits = given.rank === shape.length + 1 && shape.every((length, i) => given.shape[i + 1] === length);
  if (fits) return given;
  throw new LockstepError(
    'shape',
    `predict: the rows have shape ${formatShape(given.shape)}, the model takes [${['rows', ...shape].join(', ')}]; give a list of rows, also for a single one`,
    { shape: given.shape, row: shape },
  );
}

/**
 * Applies the preprocessing of the training to raw numbers [rows, ..input] by ops: standardizes columns, or scales pixels.
 * Columns of words are already indices in `x`.
 */
export function prepareInput(form: DatasetForm, raw: Tensor): Tensor {
  const { dtype, scale, offset } = inputOf(form);
  if (form.format !== undefined && dtype === 'float32') return standardized(form.format.features, raw);
  const typed = raw.dtype === dtype ? raw : raw.cast(dtype);
  const scaled = scale === undefined ? typed : typed.mul(scale);
  return offset === undefined ? scaled : scaled.add(offset);
}

/** Whether {@link prepareInput} changes anything. */
export function isPrepared(form: DatasetForm): boolean {
  const { scale, offset } = inputOf(form);
  const features = form.format?.features ?? [];
  return scale !== undefined || offset !== undefined || features.some(isChanged);
}

const isChanged = (feature: Feature): boolean =>
  feature.kind === 'number' && (feature.mean !== 0 || feature.divisor !== 1 || feature.missing !== null);

/** Computes in float64 and rounds once, as the training did. */
function standardized(features: readonly Feature[], raw: Tensor): Tensor {
  if (!features.some(isChanged)) return raw.cast('float32');
  const places = (of: (feature: NumberFeature) => number, other: number): Tensor =>
    tensor(
      features.flatMap((feature) =>
        feature.kind === 'number' ? [of(feature)] : new Array<number>(widthOf(feature)).fill(other),
      ),
    );
  const x = raw.cast('float64');
  const isFilled = features.some((feature) => feature.kind === 'number' && feature.missing !== null);
  const filled = isFilled
    ? where(
        x.equal(x),
        x,
        places(({ missing }) => missing ?? Number.NaN, 0),
      )
    : x;
  return filled
    .sub(places(({ mean }) => mean, 0))
    .div(places(({ divisor }) => divisor, 1))
    .cast('float32');
}
