/**
 * The format of a table: how a row becomes a sample. It includes what was computed from the training rows (means,
 * levels), and is plain data that is saved with a trained model, so that new rows are prepared in the same way.
 */
import { LockstepError } from '@lockstep/errors';
import { type Column, levelNames, type NumberColumn, type WordColumn } from './columns.ts';
import type { TableSyntax } from './rows.ts';

export interface TableFormat {
  readonly kind: 'table';
  readonly syntax: TableSyntax;
  readonly features: readonly Feature[];
  readonly labels: readonly string[];
}

export type Feature = NumberFeature | CategoryFeature;

/** A numeric feature is one float32 of `x`: (value − mean) / divisor. */
export interface NumberFeature {
  readonly kind: 'number';
  readonly column: string;
  readonly mean: number;
  readonly divisor: number;
  /** The value that replaces a missing one; null if a missing value is an error. */
  readonly missing: number | null;
}

/**
 * 'oneHot': a float32 of `x` for each level, 1 for the row's level and 0 for others. 'index': the level's index, an
 * int32 of `categories`.
 */
export interface CategoryFeature {
  readonly kind: 'oneHot' | 'index';
  readonly column: string;
  /** The level '' stands for a missing value. */
  readonly levels: readonly string[];
}

export interface FitOptions {
  readonly standardize: boolean;
  /** Whether the mean of the training rows replaces missing values. */
  readonly fillMissing: boolean;
  /** In ascending order. */
  readonly trainRows: Int32Array;
}

/** Computes the statistics of a column over the training rows, in float64, summed in the order of the file. */
export function fitNumbers({ name, values }: NumberColumn, options: FitOptions): NumberFeature {
  const { standardize, fillMissing, trainRows } = options;
  const feature = { kind: 'number', column: name } as const;
  if (!standardize && !fillMissing) return { ...feature, mean: 0, divisor: 1, missing: null };
  const present = trainRows.filter((row) => !Number.isNaN(values[row]!));
  if (present.length === 0) {
    throw new LockstepError(
      'data',
      `column '${name}': no training row has a value, so there is no mean; leave the column out of 'features'`,
      { column: name },
    );
  }
  const average = meanOf(values, present);
  const missing = fillMissing ? average : null;
  if (!standardize) return { ...feature, mean: 0, divisor: 1, missing };
  let squares = 0;
  for (const row of present) {
    const centred = values[row]! - average;
    squares += centred * centred;
  }
  // Filled cells equal the mean: they add nothing to the squares, but they count as rows.
  const deviation = Math.sqrt(squares / (fillMissing ? trainRows.length : present.length));
  return { ...feature, mean: average, divisor: deviation > 0 ? deviation : 1, missing };
}

/** The mean. For equal values it returns the value itself: a rounded sum would give a deviation above 0. */
function meanOf(values: Float64Array, rows: Int32Array): number {
  const first = values[rows[0]!]!;
  if (rows.every((row) => values[row] === first)) return first;
  let sum = 0;
  for (const row of rows) sum += values[row]!;
  return sum / rows.length;
}

/** The number of elements of `x` that a feature takes. */
export function widthOf(feature: Feature): number {
  return feature.kind === 'number' ? 1 : feature.kind === 'oneHot' ? feature.levels.length : 0;
}

export interface Encoded {
  /** [rows, width], row by row. */
  readonly x: Float32Array;
  readonly width: number;
  /** [rows, number of 'index' features], row by row. */
  readonly categories: Int32Array;
  readonly numCategories: number;
}

/** Encodes the rows of a table as numbers. Errors name `path`. */
export function encodeTable(
  { features, syntax }: Pick<TableFormat, 'features' | 'syntax'>,
  columns: readonly Column[],
  numRows: number,
  path: string,
): Encoded {
  const width = features.reduce((sum, feature) => sum + widthOf(feature), 0);
  const numCategories = features.filter(({ kind }) => kind === 'index').length;
  const x = new Float32Array(numRows * width);
  const categories = new Int32Array(numRows * numCategories);
  let [at, place] = [0, 0];
  for (const [i, feature] of features.entries()) {
    if (feature.kind === 'number') putNumbers(feature, columns[i] as NumberColumn, x, at, width, path);
    else {
      const levels = levelPlaces(feature, columns[i] as WordColumn, syntax, path);
      for (const [row, level] of levels.entries()) {
        if (feature.kind === 'oneHot') x[row * width + at + level] = 1;
        else categories[row * numCategories + place] = level;
      }
      if (feature.kind === 'index') place++;
    }
    at += widthOf(feature);
  }
  return { x, width, categories, numCategories };
}

function putNumbers(
  feature: NumberFeature,
  column: NumberColumn,
  x: Float32Array,
  at: number,
  width: number,
  path: string,
): void {
  const { mean, divisor, missing } = feature;
  const { values, name } = column;
  if (mean === 0 && divisor === 1) requireKept(column, path);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    const given = Number.isNaN(value) ? missing : value;
    if (given === null) {
      throw new LockstepError('data', `${path}: row ${row + 1}, column '${name}': the value is missing`, {
        path,
        row: row + 1,
        column: name,
      });
    }
    x[row * width + at] = (given - mean) / divisor;
  }
}

/** @throws LockstepError `data` for a whole number that float32 would round to another whole number. */
export function requireKept({ rounded: value, name: column }: NumberColumn, path: string): void {
  if (value === undefined) return;
  throw new LockstepError(
    'data',
    `${path}: column '${column}': float32 would round the whole number ${value} to ${Math.fround(value)}; give standardize: true, name the column in 'categories' or use labelKind 'class' if its numbers are names, or leave it out of 'features'`,
    { path, column, value },
  );
}

/** The index of each row's level. @throws LockstepError `data` for a word that is no level. */
function levelPlaces(
  { levels, column }: CategoryFeature,
  { ids, words }: WordColumn,
  { decimal }: TableSyntax,
  path: string,
): Int32Array {
  const known = new Map(levels.map((level, place) => [level, place]));
  const levelName = levelNames(levels, decimal);
  const places = words.map((word) => known.get(levelName(word)) ?? -1);
  const unknown = words.find((_, id) => places[id]! < 0);
  if (unknown !== undefined) {
    const what =
      unknown === ''
        ? 'the value is missing, but no row of the training data had a missing value; the levels are'
        : `'${unknown}' is none of the levels that the training data have:`;
    throw new LockstepError('data', `${path}: column '${column}': ${what} ${levels.join(', ')}`, {
      path,
      column,
      levels,
    });
  }
  return ids.map((id) => places[id]!);
}
