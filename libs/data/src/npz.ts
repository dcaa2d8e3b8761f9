/** A dataset from arrays that NumPy saved. */
import { basename } from 'node:path';
import {
  aString,
  either,
  LockstepError,
  listOf,
  nestedOptions,
  type Rules,
  recordOf,
  signature,
} from '@lockstep/errors';
import { readArrays } from '@lockstep/formats';
import { allocate, type DType, isFloat, type Storage, type TypedArray } from '@lockstep/tensor';
import { fits, range, requireFields, someDTypes } from './arrays.ts';
import { identityOf } from './cache.ts';
import { createDataset, type DataSource, type Field, type Split, shared } from './dataset.ts';
import { locateFile } from './files.ts';
import { type SplitFractions, splitColumns, splitRows, splitRules } from './split.ts';

export interface NpzOptions {
  /**
   * The arrays to take, by field: `{ x: 'x_train', y: 'y_train' }`. Rows are samples. Default: all arrays, each as the
   * field of its name.
   */
  readonly fields?: Readonly<Record<string, string>>;
  /** The arrays of a separate test split, by field: `{ x: 'x_test', y: 'y_test' }`. */
  readonly test?: Readonly<Record<string, string>>;
  /** Element types by field. Default: float32 for floating point, the file's type for others. Pixels need float32. */
  readonly dtypes?: Readonly<Record<string, DType>>;
  /** Names of the classes that integer labels stand for. */
  readonly classes?: readonly string[];
  /** Fractions of the rows to hold out. Which rows are held out depends only on the number of rows. Default: none. */
  readonly split?: SplitFractions;
}

const someNames = recordOf(aString, "an object of names, such as { x: 'x_train' }");

const npzRules: Rules<NpzOptions> = {
  fields: someNames,
  test: someNames,
  dtypes: someDTypes,
  classes: listOf(aString, 'a list of names'),
  split: nestedOptions(splitRules),
};

const checkNpz = signature('npz', { path: either(aString, someNames) }, npzRules, 'config');

/**
 * A dataset from an .npz file, or from one .npy file per field: `npz({ x: 'x.npy', y: 'y.npy' })`. A path is relative
 * to the current folder; a file that does not exist there is searched in the folder `LOCKSTEP_DATA`. Throws `data` and
 * `shape` errors that name file and array.
 */
export function npz(path: string | Readonly<Record<string, string>>, options: NpzOptions = {}): DataSource {
  checkNpz(path, options);
  const name =
    typeof path === 'string'
      ? basename(path)
      : Object.values(path)
          .map((file) => basename(file))
          .join('+');
  return {
    name,
    identity: () =>
      identityOf('npz', [path, options], typeof path === 'string' ? [path] : Object.values(path)),
    async load(loadOptions) {
      const { test, split = {}, classes } = options;
      const arrays = await readAll(path, namesOf(options));
      const chosen = options.fields ?? Object.fromEntries(Object.keys(arrays).map((key) => [key, key]));
      requireFields('npz', options.dtypes ?? {}, Object.keys({ ...chosen, ...test }));
      const columns = columnsOf(name, arrays, chosen, options.dtypes);
      const splits = splitColumns(columns.fields, splitRows(columns.numRows, split));
      const own =
        test === undefined ? {} : { test: testSplit(columnsOf(name, arrays, test, options.dtypes)) };
      return createDataset(
        { name, splits: { ...splits, ...own }, ...(classes === undefined ? {} : { classes }) },
        loadOptions,
      );
    },
  };
}

type Arrays = Readonly<Record<string, Storage>>;

/** The names of the requested arrays; undefined for all. */
function namesOf({ fields, test = {} }: NpzOptions): readonly string[] | undefined {
  return fields && [...Object.values(fields), ...Object.values(test)];
}

async function readAll(
  path: string | Readonly<Record<string, string>>,
  names: readonly string[] | undefined,
): Promise<Arrays> {
  if (typeof path === 'string') return readArrays(locateFile(path), names && { names });
  const read = Object.entries(path).map(async ([field, file]) => {
    const [only, ...others] = Object.values(await readArrays(locateFile(file)));
    if (only !== undefined && others.length === 0) return [field, only] as const;
    throw new LockstepError(
      'data',
      `${file}: holds ${others.length + 1} arrays; a field takes an .npy file`,
      {
        field,
        file,
      },
    );
  });
  return Object.fromEntries(await Promise.all(read));
}

interface Columns {
  readonly fields: readonly Field[];
  readonly numRows: number;
}

const testSplit = ({ fields, numRows }: Columns): Split => ({
  size: numRows,
  fields: Object.fromEntries(
    fields.map((field) => [field.name, { ...field, storage: shared(field.storage) }]),
  ),
});

function columnsOf(
  name: string,
  arrays: Arrays,
  chosen: Readonly<Record<string, string>>,
  dtypes: Readonly<Record<string, DType>> = {},
): Columns {
  const columns = Object.entries(chosen).map(([field, key]) => {
    const array = rowsNamed(name, arrays, key);
    const dtype = dtypes[field] ?? (isFloat(array.dtype) ? 'float32' : array.dtype);
    const storage = converted(array, dtype, `${name}: '${key}'`);
    return { name: field, shape: array.shape.slice(1), dtype, storage, numRows: array.shape[0]! };
  });
  const numRows = columns[0]?.numRows ?? 0;
  if (numRows === 0 || columns.some((column) => column.numRows !== numRows)) {
    const found =
      columns.map((column) => `${column.name} has ${column.numRows}`).join(', ') || 'there is no array';
    throw new LockstepError('shape', `${name}: ${found}; fields need the same number of rows, 1 or more`, {
      name,
    });
  }
  return { fields: columns.map(({ numRows: _, ...field }) => field), numRows };
}

function rowsNamed(name: string, arrays: Arrays, key: string): Storage {
  const array = Object.hasOwn(arrays, key) ? arrays[key] : undefined;
  if (array === undefined) {
    const there = Object.keys(arrays).join(', ') || 'none';
    throw new LockstepError('data', `${name}: there is no array '${key}'; there are ${there}`, { key });
  }
  if (array.shape.length > 0) return array;
  throw new LockstepError(
    'shape',
    `${name}: '${key}' is a single number; a field has a row for each sample`,
    { key },
  );
}

/** Converts the elements to another type. Throws if the type cannot hold one of them. */
function converted({ data, dtype: from }: Storage, dtype: DType, what: string): TypedArray {
  const result = allocate(dtype, data.length);
  // Whole numbers are often identifiers, so two different ones must not become equal in float32.
  const isWhole = !isFloat(from);
  for (const [i, value] of data.entries()) {
    result[i] = value;
    if (fits(result[i]!, value, dtype) && !(isWhole && result[i] !== value)) continue;
    throw new LockstepError(
      'data',
      `${what}: element ${i} is ${value}, which is no ${dtype} value${range(dtype)}`,
      {
        dtype,
        value,
      },
    );
  }
  return result;
}
