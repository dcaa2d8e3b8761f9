import { createHash } from 'node:crypto';
import { invariant, LockstepError } from '@lockstep/errors';
import { type DType, dtypeOf, type Shape, sizeOf, type TypedArray, viewOf } from '@lockstep/tensor';
import type { TableFormat } from './table/format.ts';

/**
 * One column of a split. `storage` holds the rows one after another. A float field may be stored as bytes; if
 * `scale` or `offset` is given, an element's value is `fround(fround(stored × scale) + offset)`.
 */
export interface Field {
  readonly name: string;
  /** The shape of one sample: `[]` means one number per sample. */
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: TypedArray;
  readonly scale?: number;
  readonly offset?: number;
}

export interface Split {
  /** Number of samples. */
  readonly size: number;
  readonly fields: Readonly<Record<string, Field>>;
}

export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** Plain data. A thread to which it is posted shares the columns (see {@link shareable}). */
export interface Dataset {
  readonly name: string;
  readonly splits: { readonly train: Split; readonly validation?: Split; readonly test?: Split };
  /** Names of the classes that integer labels stand for. */
  readonly classes?: readonly string[];
  /** How rows of a file became samples; present if new rows can be prepared in the same way. */
  readonly format?: TableFormat;
  /** SHA-256 of contents and preprocessing, in hexadecimal. Workers compare it when they join. */
  readonly hash: string;
}

export interface LoadOptions {
  /** Train on at most this many samples, the first ones. Validation and test keep all samples. */
  readonly limitSamples?: number | undefined;
}

export interface DataSource {
  readonly name: string;
  load(options?: LoadOptions): Promise<Dataset>;
  /**
   * A text that sources share only if they would load the same samples now: kind, options, and sizes and times of the files. A process
   * that trains many runs loads such samples once. Without it, a source loads its samples for each run, unless the runs share the object.
   */
  identity?(): Promise<string>;
}

/** Checks the splits, limits the training split and hashes them all. Throws `argument` or `data` errors. */
export function createDataset(content: Omit<Dataset, 'hash'>, options: LoadOptions = {}): Dataset {
  const { limitSamples } = options;
  if (limitSamples !== undefined && !(Number.isInteger(limitSamples) && limitSamples > 0)) {
    throw new LockstepError('argument', `limitSamples must be a positive integer, not ${limitSamples}`, {
      limitSamples,
    });
  }
  const limited = mapSplits(content, (split, name) => {
    checkSplit(content.name, name, split);
    if (name !== 'train' || limitSamples === undefined) return split;
    return sliceSplit(split, 0, Math.min(limitSamples, split.size));
  });
  return { ...limited, hash: hashContent(limited) };
}

/** The dataset with every column in shared memory, so that posting it to a thread copies no data. */
export function shareable(dataset: Dataset): Dataset {
  return mapSplits(dataset, (split) =>
    mapFields(split, split.size, (field) => ({ ...field, storage: shared(field.storage) })),
  );
}

/** The same elements in shared memory; returns `data` itself if it already is in shared memory. */
export function shared(data: TypedArray): TypedArray {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const copy = sharedLike(data, data.length);
  copy.set(data);
  return copy;
}

/** A zeroed array of `length` elements of the type of `data`, in shared memory. */
export function sharedLike(data: TypedArray, length: number): TypedArray {
  return viewOf(dtypeOf(data), new SharedArrayBuffer(length * data.BYTES_PER_ELEMENT), 0, length);
}

function mapSplits<D extends Omit<Dataset, 'hash'>>(
  dataset: D,
  f: (split: Split, name: SplitName) => Split,
): D {
  const entries = splitNames.flatMap((name) => {
    const split = dataset.splits[name];
    return split === undefined ? [] : [[name, f(split, name)] as const];
  });
  return { ...dataset, splits: Object.fromEntries(entries) };
}

function mapFields(split: Split, size: number, f: (field: Field) => Field): Split {
  const entries = Object.entries(split.fields).map(([key, field]) => [key, f(field)] as const);
  return { size, fields: Object.fromEntries(entries) };
}

/** The samples `start … end − 1`, as views of the columns. */
export function sliceSplit(split: Split, start: number, end: number): Split {
  return mapFields(split, end - start, (field) => {
    const rowSize = sizeOf(field.shape);
    return { ...field, storage: field.storage.subarray(start * rowSize, end * rowSize) };
  });
}

function checkSplit(dataset: string, name: SplitName, split: Split): void {
  if (split.size < 1) {
    throw new LockstepError(
      'data',
      `${dataset}: the ${name} split has no samples; leave it out or enlarge it`,
      {
        dataset,
        split: name,
      },
    );
  }
  for (const field of Object.values(split.fields)) {
    const expected = split.size * sizeOf(field.shape);
    invariant(
      field.storage.length === expected,
      `${dataset}/${name}/${field.name} has a row for each sample`,
      {
        expected,
        actual: field.storage.length,
      },
    );
  }
}

function hashContent({ name, splits, classes }: Omit<Dataset, 'hash'>): string {
  const hash = createHash('sha256').update(JSON.stringify({ name, classes: classes ?? null }));
  for (const splitName of splitNames) {
    const split = splits[splitName];
    if (split === undefined) continue;
    for (const key of Object.keys(split.fields).sort()) {
      const { shape, dtype, storage, scale = null, offset = null } = split.fields[key]!;
      const stored = dtypeOf(storage);
      hash.update(JSON.stringify({ splitName, size: split.size, key, shape, dtype, stored, scale, offset }));
      hash.update(new Uint8Array(storage.buffer, storage.byteOffset, storage.byteLength));
    }
  }
  return hash.digest('hex');
}
