/** Arrays saved by NumPy as a dataset. */
import { existsSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import { readArrays } from '@lockstep/formats';
import { type DType, isFloat, type Storage, sizeOf } from '@lockstep/tensor';
import { type Column, fromArrays, type NestedNumbers } from './arrays.ts';
import { createDataset, type DataSource, type Dataset } from './dataset.ts';
import { dataFolders } from './files.ts';
import type { SplitFractions } from './split.ts';

export interface NpzOptions {
  /**
   * The arrays to take, by field: `{ x: 'x_train', y: 'y_train' }`; rows are samples. Default: all, each under its own
   * name.
   */
  readonly fields?: Readonly<Record<string, string>>;
  /** The same for a test split of its own: `{ x: 'x_test', y: 'y_test' }`. */
  readonly test?: Readonly<Record<string, string>>;
  /** Element types by field. Default: float32 for floating point, the file's for others. Pixels want float32. */
  readonly dtypes?: Readonly<Record<string, DType>>;
  /** Names of the classes that integer labels stand for. */
  readonly classes?: readonly string[];
  /** Fractions of the rows held out; which rows depends on nothing but their number. */
  readonly split?: SplitFractions;
}

/**
 * A dataset from an .npz file, or from one .npy file a field: `npz({ x: 'x.npy', y: 'y.npy' })`. Paths are relative to the
 * current folder, else to `LOCKSTEP_DATA`. Throws `data` and `shape` errors that name file and array.
 */
export function npz(path: string | Readonly<Record<string, string>>, options: NpzOptions = {}): DataSource {
  const name =
    typeof path === 'string'
      ? basename(path)
      : Object.values(path)
          .map((file) => basename(file))
          .join('+');
  return {
    name,
    async load(loadOptions) {
      const arrays = await readAll(path);
      const {
        fields = Object.fromEntries(Object.keys(arrays).map((key) => [key, key])),
        test,
        split,
      } = options;
      const from = (chosen: Readonly<Record<string, string>>, fractions: SplitFractions): Promise<Dataset> =>
        columnsOf(name, arrays, chosen, { ...options, split: fractions });
      const { splits, classes } = await from(fields, split ?? {});
      const own = test === undefined ? {} : { test: (await from(test, {})).splits.train };
      return createDataset(
        { name, splits: { ...splits, ...own }, ...(classes === undefined ? {} : { classes }) },
        loadOptions,
      );
    },
  };
}

type Arrays = Readonly<Record<string, Storage>>;

async function readAll(path: string | Readonly<Record<string, string>>): Promise<Arrays> {
  if (typeof path === 'string') return readArrays(locate(path));
  const read = Object.entries(path).map(async ([field, file]) => {
    const [only, ...others] = Object.values(await readArrays(locate(file)));
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

function locate(path: string): string {
  if (isAbsolute(path) || existsSync(path)) return path;
  return (
    dataFolders('')
      .map((folder) => join(folder, path))
      .find(existsSync) ?? path
  );
}

async function columnsOf(
  name: string,
  arrays: Arrays,
  fields: Readonly<Record<string, string>>,
  { dtypes = {}, classes, split = {} }: NpzOptions,
): Promise<Dataset> {
  const columns: Record<string, Column> = {};
  const types: Record<string, DType> = {};
  for (const [field, key] of Object.entries(fields)) {
    const array = Object.hasOwn(arrays, key) ? arrays[key] : undefined;
    if (array === undefined) {
      const there = Object.keys(arrays).join(', ') || 'none';
      throw new LockstepError('data', `${name}: there is no array '${key}'; the file has ${there}`, { key });
    }
    if (array.shape.length === 0) {
      throw new LockstepError(
        'shape',
        `${name}: '${key}' is a single number; a field has a row for each sample`,
        { key },
      );
    }
    columns[field] = rowsOf(array.data, array.shape) as Column;
    types[field] = dtypes[field] ?? (isFloat(array.dtype) ? 'float32' : array.dtype);
  }
  const options = { name, dtypes: types, split, ...(classes === undefined ? {} : { classes }) };
  return fromArrays(columns, options)
    .load()
    .catch((error: unknown) => {
      if (!(error instanceof LockstepError)) throw error;
      const message = error.message.replace(/^fromArrays/, name);
      throw new LockstepError(error.code, message, error.facts, { cause: error });
    });
}

/** Views of the rows, in nested arrays down to the last axis. */
function rowsOf(data: Storage['data'], shape: readonly number[]): NestedNumbers {
  if (shape.length === 1) return data;
  const rest = shape.slice(1);
  const size = sizeOf(rest);
  return Array.from({ length: shape[0]! }, (_, i) => rowsOf(data.subarray(i * size, (i + 1) * size), rest));
}
