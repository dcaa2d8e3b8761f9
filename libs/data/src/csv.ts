import { basename } from 'node:path';
import {
  aBoolean,
  aString,
  either,
  type Kind,
  LockstepError,
  listOf,
  nestedOptions,
  oneOf,
  type Rules,
  recordOf,
  required,
  signature,
  whole,
} from '@lockstep/errors';
import { identityOf } from './cache.ts';
import { createDataset, type DataSource, type Field } from './dataset.ts';
import { locateFile } from './files.ts';
import { type SplitFractions, splitColumns, splitRows, splitRules } from './split.ts';
import { type Column, levelsOf, type NumberColumn, type WordColumn } from './table/columns.ts';
import { encodeTable, type Feature, fitNumbers, requireKept, type TableFormat } from './table/format.ts';
import { type Header, readTable } from './table/read-table.ts';
import type { TableSyntax } from './table/rows.ts';
import { requireEncoding } from './table/text-file.ts';

type ColumnName = string | number;

export interface CsvOptions {
  /** The column to predict, or several: its name, or its number from 0. */
  readonly label: ColumnName | readonly ColumnName[];
  /** The columns of `x`. Default: all but the labels. */
  readonly features?: readonly ColumnName[];
  /** Whether the first line names the columns. Default: true, unless the label is given by number. */
  readonly header?: boolean;
  /** Shift and scale each numeric feature to mean 0 and standard deviation 1 over the training rows. Default false. */
  readonly standardize?: boolean;
  /** `number` (the default) gives float32; `class` gives int32 indices into the sorted list of distinct labels. */
  readonly labelKind?: 'number' | 'class';
  /**
   * Columns of words. 'oneHot': an element of `x` for each level. 'index': the index of the level, for an embedding;
   * these indices are the field `categories` int32 [columns], or `x` itself if there is no other feature.
   */
  readonly categories?: Readonly<Record<string, 'oneHot' | 'index'>>;
  /** The character between cells. Default ','. */
  readonly delimiter?: string;
  /** The character between the whole and the fractional part of a number. Default '.'. */
  readonly decimal?: '.' | ',';
  /**
   * The encoding of the file, by its name in the WHATWG Encoding standard: 'latin1', 'utf-16le'. Default: the byte
   * order mark's, or UTF-8.
   */
  readonly encoding?: string;
  /** Lines that begin with this text are skipped, such as '#'. Default: none. */
  readonly comment?: string;
  /** Cells that mean a missing value, in addition to empty cells: ['NA', '?']. */
  readonly naValues?: readonly string[];
  /**
   * What to do with a missing value. 'error' (the default) throws. 'skip' leaves out its row. 'mean' replaces it in a
   * numeric feature by the mean of the training rows; in a categorical feature the missing value becomes a level of its
   * own. A missing label is an error, unless its row is skipped.
   */
  readonly missing?: 'error' | 'skip' | 'mean';
  /** Fractions of the rows to hold out. Which rows are held out depends only on the number of rows. Default: none. */
  readonly split?: SplitFractions;
}

const aColumn = either(aString, whole(0));
const someColumns = listOf(aColumn, 'a list of columns');
const oneCharacter: Kind = {
  what: "a single character, such as ';'",
  fits: (value) => typeof value === 'string' && value.length === 1,
};
const notEmpty: Kind = {
  what: 'a text that is not empty',
  fits: (value) => typeof value === 'string' && value !== '',
};

const csvRules: Rules<CsvOptions> = {
  label: required(either(aColumn, someColumns)),
  features: someColumns,
  header: aBoolean,
  standardize: aBoolean,
  labelKind: oneOf('number', 'class'),
  categories: recordOf(oneOf('oneHot', 'index'), "an object of 'oneHot' or 'index' by column"),
  delimiter: oneCharacter,
  decimal: oneOf('.', ','),
  encoding: aString,
  comment: notEmpty,
  naValues: listOf(aString, 'a list of strings'),
  missing: oneOf('error', 'skip', 'mean'),
  split: nestedOptions(splitRules),
};

const somePaths = either(aString, listOf(aString, 'a list of paths'));
const checkCsv = signature('csv', { path: somePaths }, csvRules, 'config');

/**
 * A dataset from one or several comma-separated files with the same columns, plain or packed by gzip. Fields: `x`
 * [features] and `y` [], or `y` [labels] for several labels. A path is relative to the current folder; a file that does
 * not exist there is searched in the folder `LOCKSTEP_DATA`.
 *
 * @throws LockstepError `data` that names file, line and column.
 */
export function csv(path: string | readonly string[], options: CsvOptions): DataSource {
  checkCsv(path, options);
  const given = typeof path === 'string' ? [path] : path;
  if (given.length === 0)
    throw new LockstepError('argument', 'csv: there is no path; give one file or more', {});
  if (options.encoding !== undefined) requireEncoding('csv', options.encoding);
  const name = given.map((one) => basename(one)).join('+');
  return {
    name,
    identity: () => identityOf('csv', options, given),
    async load(loadOptions) {
      const paths = given.map(locateFile);
      const { labels, features, numRows, columns } = await readColumns(paths, options);
      const rows = splitRows(numRows, options.split ?? {});
      const [own, labelColumns] = [columns.slice(0, features.length), columns.slice(features.length)];
      const format: TableFormat = {
        kind: 'table',
        syntax: syntaxOf(options),
        labels: labelColumns.map((column) => column.name),
        features: own.map((column, i) => fit(column, features[i]!.kind, options, rows.train)),
      };
      const x = featureFields(format, own, numRows, paths.join(', '));
      const { y, classes } = labelField(labelColumns, labels, paths.join(', '), options);
      const splits = splitColumns([...x, y], rows);
      return createDataset({ name, splits, format, ...(classes ? { classes } : {}) }, loadOptions);
    },
  };
}

function syntaxOf(options: CsvOptions): TableSyntax {
  const { label, delimiter = ',', decimal = '.', encoding = null, comment = null, naValues = [] } = options;
  const names = [label, options.features ?? []].flat();
  const header = options.header ?? (names.some((name) => typeof name === 'number') ? false : null);
  return { header, delimiter, decimal, encoding, comment, naValues };
}

type FeatureKind = Feature['kind'];

async function readColumns(paths: readonly string[], options: CsvOptions) {
  const { missing = 'error', categories = {}, labelKind = 'number' } = options;
  const labels = [options.label].flat();
  let features: readonly { readonly column: number; readonly kind: FeatureKind }[] = [];
  const table = await readTable(paths, {
    syntax: syntaxOf(options),
    missing: missing === 'mean' ? 'keep' : missing,
    choose(header) {
      const labelled = labels.map((label) => header.indexOf(label));
      const kinds = categoryKinds(header, categories);
      const chosen = options.features?.map((feature) => header.indexOf(feature));
      const all = header.names.map((_, i) => i).filter((i) => !labelled.includes(i));
      requireRoles(header, { labelled, chosen: chosen ?? all, categorical: [...kinds.keys()] });
      features = (chosen ?? all).map((column) => ({ column, kind: kinds.get(column) ?? 'number' }));
      return [
        ...features.map(({ column, kind }) => ({
          column,
          kind: kind === 'number' ? kind : ('words' as const),
        })),
        ...labelled.map((column) => ({
          column,
          kind: labelKind === 'class' ? ('words' as const) : labelKind,
        })),
      ];
    },
  });
  return { ...table, labels, features };
}

interface Roles {
  readonly labelled: readonly number[];
  readonly chosen: readonly number[];
  readonly categorical: readonly number[];
}

/** @throws LockstepError `data` if a column has two roles, or a role without effect. */
function requireRoles({ path, names }: Header, { labelled, chosen, categorical }: Roles): void {
  const nameOr = (column: number | undefined): string | undefined =>
    column === undefined ? undefined : names[column];
  const twice = nameOr([...labelled, ...chosen].find((column, i, all) => all.indexOf(column) !== i));
  if (twice !== undefined) {
    const isBoth = labelled.includes(names.indexOf(twice)) && chosen.includes(names.indexOf(twice));
    const what = isBoth
      ? 'is a label and a feature, so that the model would read the answer'
      : 'is named twice';
    throw new LockstepError('data', `${path}: column '${twice}' ${what}; name each column once`, {
      path,
      column: twice,
    });
  }
  if (labelled.length === 0 || chosen.length === 0) {
    const [what, remedy] = labelled.length === 0 ? ['label', 'label'] : ['feature', 'features'];
    throw new LockstepError(
      'data',
      `${path}: there is no ${what} among the columns ${names.join(', ')}; name one or more in '${remedy}'`,
      { path, columns: names },
    );
  }
  const idle = categorical.find((column) => !chosen.includes(column));
  if (idle === undefined) return;
  throw new LockstepError(
    'data',
    `${path}: 'categories' names the column '${names[idle]}', which is ${
      labelled.includes(idle)
        ? "the label; labelKind: 'class' makes classes of its words"
        : "no feature; add it to 'features', or leave it out"
    }`,
    { path, column: names[idle] },
  );
}

function categoryKinds(
  header: Header,
  categories: Readonly<Record<string, 'oneHot' | 'index'>>,
): Map<number, FeatureKind> {
  return new Map(
    Object.entries(categories).map(([name, kind]) => [header.indexOf(nameOf(header, name)), kind]),
  );
}

/** Keys of an object are strings: a numeric key that is no column's name is a column's number. */
function nameOf({ names }: Header, key: string): ColumnName {
  return names.includes(key) || !/^\d+$/.test(key) ? key : Number(key);
}

function fit(
  column: Column,
  kind: FeatureKind,
  { standardize = false, missing, decimal = '.' }: CsvOptions,
  trainRows: Int32Array,
): Feature {
  if (column.kind === 'number') {
    return fitNumbers(column, { standardize, fillMissing: missing === 'mean', trainRows });
  }
  const { levels } = levelsOf(column.words, decimal);
  return { kind: kind === 'index' ? 'index' : 'oneHot', column: column.name, levels };
}

function featureFields(
  format: TableFormat,
  columns: readonly Column[],
  numRows: number,
  path: string,
): Field[] {
  const { x, width, categories, numCategories } = encodeTable(format, columns, numRows, path);
  const places = (name: string): Field => ({
    name,
    shape: [numCategories],
    dtype: 'int32',
    storage: categories,
  });
  if (width === 0 && numCategories > 0) return [places('x')];
  const field: Field = { name: 'x', shape: [width], dtype: 'float32', storage: x };
  return numCategories === 0 ? [field] : [field, places('categories')];
}

function labelField(
  columns: readonly Column[],
  labels: readonly ColumnName[],
  path: string,
  { label, decimal = '.' }: CsvOptions,
): { y: Field; classes?: readonly string[] } {
  const base = { name: 'y', shape: Array.isArray(label) ? [labels.length] : [] };
  if (columns.every((column): column is NumberColumn => column.kind === 'number')) {
    const storage = interleave(columns.map((column) => labelNumbers(column, path)));
    return { y: { ...base, dtype: 'float32', storage } };
  }
  const words = columns as readonly WordColumn[];
  if (words.length > 1) {
    throw new LockstepError(
      'argument',
      "csv: labelKind 'class' takes one label; several labels are numbers",
      { labels },
    );
  }
  const { ids, words: texts, name } = words[0]!;
  if (texts.includes('')) throw missingLabel(path, name, ids.indexOf(texts.indexOf('')));
  const { levels, levelOf } = levelsOf(texts, decimal);
  return { y: { ...base, dtype: 'int32', storage: ids.map((id) => levelOf[id]!) }, classes: levels };
}

function labelNumbers(column: NumberColumn, path: string): Float64Array {
  const row = column.values.findIndex(Number.isNaN);
  if (row >= 0) throw missingLabel(path, column.name, row);
  requireKept(column, path);
  return column.values;
}

function missingLabel(path: string, column: string, row: number): LockstepError {
  return new LockstepError(
    'data',
    `${path}: row ${row + 1}, column '${column}': the label is missing; give missing: 'skip' to leave such rows out`,
    { path, column, row: row + 1 },
  );
}

/** The columns in one array, row by row. */
function interleave(columns: readonly Float64Array[]): Float32Array {
  const width = columns.length;
  const storage = new Float32Array((columns[0]?.length ?? 0) * width);
  for (const [j, column] of columns.entries()) {
    for (let i = 0; i < column.length; i++) storage[i * width + j] = column[i]!;
  }
  return storage;
}
