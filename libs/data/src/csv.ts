import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import {
  aBoolean,
  aString,
  either,
  LockstepError,
  listOf,
  nestedOptions,
  oneOf,
  type Rules,
  required,
  signature,
  whole,
} from '@lockstep/errors';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { createDataset, type DataSource, type Field } from './dataset.ts';
import { dataVariable } from './files.ts';
import { type SplitFractions, splitColumns, splitRows, splitRules } from './split.ts';

export interface CsvOptions {
  /** The column to predict: its name, or its number from 0 where there is no header. */
  readonly label: string | number;
  /** The columns of `x`; all but the label unless told. */
  readonly features?: readonly (string | number)[];
  /** Whether the first line names the columns; true unless told. */
  readonly header?: boolean;
  /** Shift and scale each feature to mean 0 and standard deviation 1 over the training rows. */
  readonly standardize?: boolean;
  /** `number` (float32; the default), or `class`: int32 places in the sorted list of distinct labels. */
  readonly labelKind?: 'number' | 'class';
  /** Fractions of the rows held out; which rows depends on nothing but their number. */
  readonly split?: SplitFractions;
}

const aColumn = either(aString, whole(0));

const csvRules: Rules<CsvOptions> = {
  label: required(aColumn),
  features: listOf(aColumn, 'a list of columns'),
  header: aBoolean,
  standardize: aBoolean,
  labelKind: oneOf('number', 'class'),
  split: nestedOptions(splitRules),
};

const checkCsv = signature('csv', { path: aString }, csvRules, 'config');

/** One line of the file: its cells and its number, from 1. */
interface Row {
  readonly cells: readonly string[];
  readonly line: number;
}

interface Table {
  readonly path: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/**
 * A dataset from a comma-separated file: fields `x` [features] and `y` []. The path is relative to the current
 * folder, else to `LOCKSTEP_DATA`. Throws `data` errors that name the line and the column.
 */
export function csv(path: string, options: CsvOptions): DataSource {
  checkCsv(path, options);
  const name = basename(path);
  return {
    name,
    async load(loadOptions) {
      const table = await readTable(locate(path), options.header ?? true);
      const label = columnIndex(table, options.label);
      const features = options.features
        ? options.features.map((feature) => columnIndex(table, feature))
        : table.columns.map((_, column) => column).filter((column) => column !== label);
      const rows = splitRows(table.rows.length, options.split ?? {});
      const x = featureField(table, features);
      if (options.standardize) standardize(x, rows.train);
      const { y, classes } = labelField(table, label, options.labelKind ?? 'number');
      const splits = splitColumns([x, y], rows);
      return createDataset({ name, splits, ...(classes ? { classes } : {}) }, loadOptions);
    },
  };
}

function locate(path: string): string {
  const folder = process.env[dataVariable];
  if (existsSync(path) || isAbsolute(path) || !folder) return path;
  return join(folder, path);
}

async function readTable(path: string, header: boolean): Promise<Table> {
  const rows = parseRows(path, await readText(path));
  const width = rows[0]?.cells.length ?? 0;
  const columns = header ? (rows[0]?.cells ?? []) : Array.from({ length: width }, (_, i) => String(i));
  const body = header ? rows.slice(1) : rows;
  const twice = columns.find((column, i) => columns.indexOf(column) !== i);
  if (twice !== undefined) {
    throw new LockstepError('data', `${path}: two columns are named '${twice}'; rename one`, {
      path,
      columns,
    });
  }
  if (body.length === 0) throw new LockstepError('data', `${path}: there are no rows of data`, { path });
  return { path, columns, rows: body };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new LockstepError(
      'data',
      `${path}: cannot be read (${String(cause)}); give a path relative to ${process.cwd()}, an absolute one, or one in the folder that ${dataVariable} names`,
      { path },
      { cause },
    );
  }
}

function parseRows(path: string, text: string): Row[] {
  try {
    const rows: Row[] = [];
    parse(text, {
      bom: true,
      skip_empty_lines: true,
      trim: true,
      on_record: (cells, { lines }) => {
        rows.push({ cells, line: lines });
        return null;
      },
    });
    return rows;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new LockstepError('data', `${path}: ${cause.message}`, { path, reason: cause.code }, { cause });
  }
}

function columnIndex({ path, columns }: Table, column: string | number): number {
  const index = columns.indexOf(String(column));
  if (index >= 0) return index;
  throw new LockstepError('data', `${path}: no column '${column}'; the file has ${columns.join(', ')}`, {
    path,
    column,
    columns,
  });
}

function featureField(table: Table, features: readonly number[]): Field {
  const width = features.length;
  const storage = new Float32Array(table.rows.length * width);
  for (const [i, row] of table.rows.entries()) {
    for (const [j, column] of features.entries()) storage[i * width + j] = cellNumber(table, row, column);
  }
  return { name: 'x', shape: [width], dtype: 'float32', storage };
}

function labelField(
  table: Table,
  column: number,
  kind: 'number' | 'class',
): { y: Field; classes?: readonly string[] } {
  const base = { name: 'y', shape: [] };
  if (kind === 'number') {
    const storage = Float32Array.from(table.rows, (row) => cellNumber(table, row, column));
    return { y: { ...base, dtype: 'float32', storage } };
  }
  const labels = table.rows.map((row) => cell(table, row, column));
  const classes = sortClasses([...new Set(labels)]);
  const places = new Map(classes.map((label, place) => [label, place]));
  const storage = Int32Array.from(labels, (label) => places.get(label)!);
  return { y: { ...base, dtype: 'int32', storage }, classes };
}

/** Labels that are all numbers in the order of numbers, others in that of their code units. */
function sortClasses(labels: readonly string[]): string[] {
  const numeric = labels.every((label) => Number.isFinite(Number(label)));
  return [...labels].sort(numeric ? (a, b) => Number(a) - Number(b) : undefined);
}

function cell({ path, columns }: Table, row: Row, column: number): string {
  const text = row.cells[column]!;
  if (text !== '') return text;
  throw cellError(path, row, columns[column]!, 'the cell is empty; fill it in or leave the row out');
}

function cellNumber(table: Table, row: Row, column: number): number {
  const text = cell(table, row, column);
  const value = Math.fround(Number(text));
  if (Number.isFinite(value)) return value;
  const remedy = "leave the column out of 'features', or use labelKind 'class' if it is the label";
  throw cellError(table.path, row, table.columns[column]!, `'${text}' is not a float32 number; ${remedy}`);
}

function cellError(path: string, { line }: Row, column: string, what: string): LockstepError {
  return new LockstepError('data', `${path}: line ${line}, column '${column}': ${what}`, {
    path,
    line,
    column,
  });
}

/** In place; a column that is constant over the training rows becomes 0 there. Sums are taken in file order. */
function standardize({ storage, shape }: Field, trainRows: Int32Array): void {
  const width = shape[0]!;
  for (let column = 0; column < width; column++) {
    let sum = 0;
    for (const row of trainRows) sum += storage[row * width + column]!;
    const mean = sum / trainRows.length;
    let squares = 0;
    for (const row of trainRows) {
      const centred = storage[row * width + column]! - mean;
      squares += centred * centred;
    }
    const deviation = Math.sqrt(squares / trainRows.length);
    const divisor = deviation > 0 ? deviation : 1;
    for (let i = column; i < storage.length; i += width) storage[i] = (storage[i]! - mean) / divisor;
  }
}
