import {
  aString,
  describeValue,
  type Kind,
  LockstepError,
  listOf,
  nestedOptions,
  oneOf,
  type Rules,
  recordOf,
  signature,
} from '@lockstep/errors';
import {
  allocate,
  type DType,
  dtypes,
  formatShape,
  heldBy,
  holds,
  isFloat,
  type Shape,
  type ShortArray,
  sizeOf,
  type TypedArray,
} from '@lockstep/tensor';
import { createDataset, type DataSource, type Field } from './dataset.ts';
import { type SplitFractions, splitColumns, splitRows, splitRules } from './split.ts';

/** Numbers in nested arrays or typed arrays; the outermost array has one entry per sample. */
export type Column = TypedArray | ShortArray | readonly NestedNumbers[];
export type NestedNumbers = number | boolean | TypedArray | ShortArray | readonly NestedNumbers[];

export interface ArrayOptions {
  readonly name?: string;
  /** Element types by field. Default: `float32`, in which bytes become 0 … 255. Class labels need `int32`. */
  readonly dtypes?: Readonly<Record<string, DType>>;
  /** Names of the classes that integer labels stand for. */
  readonly classes?: readonly string[];
  /** Fractions of the rows to hold out. Which rows are held out depends only on the number of rows. Default: none. */
  readonly split?: SplitFractions;
}

export const someDTypes = recordOf(
  oneOf(...dtypes),
  `an object of element types, each ${oneOf(...dtypes).what}, such as { y: 'int32' }`,
);

const arrayRules: Rules<ArrayOptions> = {
  name: aString,
  dtypes: someDTypes,
  classes: listOf(aString, 'a list of names'),
  split: nestedOptions(splitRules),
};

const aColumn: Kind = {
  what: 'numbers in nested arrays or a typed array',
  fits: (value) => Array.isArray(value) || isElements(value),
};

const checkFromArrays = signature(
  'fromArrays',
  { columns: recordOf(aColumn, 'an object of columns, each numbers in nested arrays or a typed array') },
  arrayRules,
  'config',
);

/**
 * A dataset from columns in code: `fromArrays({ x: [[0, 0], [0, 1]], y: [0, 1] })`. Throws a `shape` error for ragged
 * columns, or for columns of different lengths.
 */
export function fromArrays(
  columns: Readonly<Record<string, Column>>,
  options: ArrayOptions = {},
): DataSource {
  checkFromArrays(columns, options);
  const { name = 'arrays', dtypes = {}, classes, split = {} } = options;
  return {
    name,
    async load(loadOptions) {
      requireFields('fromArrays', dtypes, Object.keys(columns));
      const numRows = countRows(columns);
      const fields = Object.entries(columns).map(([key, column]) =>
        fieldOf(key, column, dtypes[key] ?? 'float32'),
      );
      const splits = splitColumns(fields, splitRows(numRows, split));
      return createDataset({ name, splits, ...(classes === undefined ? {} : { classes }) }, loadOptions);
    },
  };
}

/** @throws LockstepError `config` if `dtypes` names an unknown field. */
export function requireFields(
  source: string,
  dtypes: Readonly<Record<string, DType>>,
  fields: readonly string[],
): void {
  const idle = Object.keys(dtypes).find((name) => !fields.includes(name));
  if (idle === undefined) return;
  throw new LockstepError(
    'config',
    `${source}: dtypes names the unknown field '${idle}'; the fields are ${fields.join(', ')}`,
    { field: idle, fields },
  );
}

function countRows(columns: Readonly<Record<string, Column>>): number {
  const lengths = Object.entries(columns).map(([name, column]) => ({ name, length: column.length }));
  const first = lengths[0];
  if (first === undefined || lengths.some(({ length }) => length !== first.length || length === 0)) {
    const found =
      lengths.map(({ name, length }) => `${name} has ${length}`).join(', ') || 'there is no column';
    throw new LockstepError(
      'shape',
      `fromArrays: ${found}; give columns of the same number of samples, 1 or more`,
      {
        lengths,
      },
    );
  }
  return first.length;
}

function fieldOf(name: string, column: Column, dtype: DType): Field {
  const shape = shapeOf(column, name);
  const storage = allocate(dtype, sizeOf(shape));
  let next = 0;
  const put = (value: number | boolean, pathOf: () => string): void => {
    storage[next] = Number(value);
    const stored = storage[next++]!;
    if (!fits(stored, Number(value), dtype)) throw misfit(pathOf(), Number(value), dtype);
    if (stored !== Number(value) && Number.isSafeInteger(value))
      throw rounded(pathOf(), Number(value), stored);
  };
  const fill = (value: NestedNumbers, path: string, expected: Shape): void => {
    if (lengthOf(value, path) !== expected[0]) {
      throw new LockstepError(
        'shape',
        `fromArrays: ${path} has shape ${formatShape(shapeOf(value, path))}, but the samples before it have ${formatShape(expected)}; all samples of a field need one shape`,
        { name, path, expected },
      );
    }
    if (isNumber(value)) {
      put(value, () => path);
      return;
    }
    requireItems(value, path);
    const inner = expected.slice(1);
    for (let i = 0; i < value.length; i++) {
      const item = value[i]!;
      // The path of a number is built only for an error: one path per number would dominate the running time.
      if (inner.length === 0 && isNumber(item)) put(item, () => `${path}[${i}]`);
      else fill(item, `${path}[${i}]`, inner);
    }
  };
  fill(column, name, shape);
  return { name, shape: shape.slice(1), dtype, storage };
}

/**
 * Whether a value is an array of supported elements: a typed array, but no DataView and no array of 64-bit integers.
 */
const isElements = (value: unknown): value is TypedArray =>
  ArrayBuffer.isView(value) &&
  !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array);

/** Throws for an item of a wrong type, which a caller without a type check may pass. */
function requireItems(value: unknown, path: string): asserts value is TypedArray | readonly NestedNumbers[] {
  if (Array.isArray(value) || isElements(value)) return;
  throw new LockstepError(
    'argument',
    `fromArrays: ${path} is ${describeValue(value)}; samples are numbers, or nested arrays of numbers`,
    { path, came: describeValue(value) },
  );
}

const isNumber = (value: NestedNumbers): value is number | boolean =>
  typeof value === 'number' || typeof value === 'boolean';

/** The length of an array's outermost axis; undefined for a number. */
function lengthOf(value: NestedNumbers, path: string): number | undefined {
  if (isNumber(value)) return undefined;
  requireItems(value, path);
  return value.length;
}

/** Whether an element of type `dtype` can represent the value; `stored` is the value after conversion. */
export function fits(stored: number, value: number, dtype: DType): boolean {
  return isFloat(dtype) ? Number.isFinite(stored) : holds(dtype, value);
}

/** Whole numbers are often identifiers, so two different ones must not become equal in float32. */
function rounded(path: string, value: number, stored: number): LockstepError {
  return new LockstepError(
    'data',
    `fromArrays: float32 would round the whole number ${value} of ${path} to ${stored}; give the field another type, as in dtypes: { x: 'int32' }, or shift and scale it`,
    { path, value },
  );
}

function misfit(path: string, value: number, dtype: DType): LockstepError {
  return new LockstepError(
    'data',
    `fromArrays: ${path} is ${value}, which is no ${dtype} value${range(dtype)}`,
    {
      path,
      value,
      dtype,
    },
  );
}

/** The range of a type, for messages. */
export const range = (dtype: DType): string =>
  isFloat(dtype)
    ? ' that one can compute with'
    : ` (${heldBy(dtype)}); give the field another type, as in dtypes: { x: 'float32' }`;

/** The shape of a nested array, taken from its first elements. */
function shapeOf(value: NestedNumbers, path: string, depth = 0): Shape {
  if (isNumber(value)) return [];
  requireItems(value, path);
  if (depth > maxDepth) {
    throw new LockstepError(
      'argument',
      `fromArrays: arrays are nested more than ${maxDepth} deep at ${path.slice(0, 40)}…; does one contain itself?`,
      { path: path.slice(0, 40) },
    );
  }
  return value.length === 0 ? [0] : [value.length, ...shapeOf(value[0]!, `${path}[0]`, depth + 1)];
}

/** A limit above the number of axes of any array, to detect cycles. */
const maxDepth = 64;
