/** Reads a table from one or several files: its header, then the requested columns. */
import { LockstepError } from '@lockstep/errors';
import { type Column, type ColumnReader, isMissing, isNumber, readNumbers, readWords } from './columns.ts';
import { cellError, type Place, readRows, type TableSyntax } from './rows.ts';

export interface ColumnRequest {
  /** The name of the column, or its index from 0. */
  readonly column: string | number;
  readonly kind: 'number' | 'words';
}

/** Chooses the columns to read. It gets the header, since a caller may want all columns but some. */
export type ChooseColumns = (header: Header) => readonly ColumnRequest[];

export interface Header {
  readonly path: string;
  readonly names: readonly string[];
  /** The index of a column. @throws LockstepError `data` if there is no such column. */
  indexOf(column: string | number): number;
}

export interface Table {
  readonly numRows: number;
  readonly columns: readonly Column[];
}

export interface ReadTableOptions {
  readonly syntax: TableSyntax;
  readonly choose: ChooseColumns;
  /** 'error': throw for a missing value; 'skip': leave out its row; 'keep': store NaN or ''. */
  readonly missing: 'error' | 'skip' | 'keep';
}

/**
 * Reads the files in sequence, as one table. All files have the same columns.
 *
 * @throws LockstepError `data` that names file, line and column.
 */
export async function readTable(paths: readonly string[], options: ReadTableOptions): Promise<Table> {
  let first: Header | undefined;
  let readers: readonly ColumnReader[] = [];
  let places: readonly number[] = [];
  let numRows = 0;
  for (const path of paths) {
    const { names, rows } = await eachRow(
      path,
      options,
      (header) => {
        if (first !== undefined) return requireSame(first, header);
        first = header;
        const requests = options.choose(header);
        places = requests.map(({ column }) => header.indexOf(column));
        readers = requests.map(({ kind }, i) => readerOf(kind, header.names[places[i]!]!, options.syntax));
      },
      (cells, place) => {
        if (!isComplete(cells, place)) return;
        numRows++;
        for (const [i, reader] of readers.entries()) reader.add(cells[places[i]!]!, place);
      },
    );
    if (names === undefined || rows === 0) {
      throw new LockstepError('data', `${path}: there are no rows of data`, { path });
    }
  }
  if (numRows === 0) {
    throw new LockstepError(
      'data',
      `${paths.join(', ')}: every row has a missing value, so no row is left; fill in values, or give missing: 'mean'`,
      {
        paths,
      },
    );
  }
  return { numRows, columns: readers.map((reader) => reader.finish()) };

  function isComplete(cells: readonly string[], place: Place): boolean {
    if (options.missing === 'keep') return true;
    const empty = places.findIndex((i) => isMissing(cells[i]!, options.syntax));
    if (empty < 0) return true;
    if (options.missing === 'skip') return false;
    const what =
      cells[places[empty]!] === '' ? 'the cell is empty' : `'${cells[places[empty]!]}' is a missing value`;
    throw cellError(
      place,
      readers[empty]!.name,
      `${what}; fill it in, or give missing: 'skip' to leave such rows out or missing: 'mean' to fill such cells`,
    );
  }
}

function readerOf(kind: ColumnRequest['kind'], name: string, syntax: TableSyntax): ColumnReader {
  return kind === 'number' ? readNumbers(name, syntax) : readWords(name, syntax);
}

async function eachRow(
  path: string,
  { syntax }: ReadTableOptions,
  onHeader: (header: Header) => void,
  onRow: (cells: readonly string[], place: Place) => void,
): Promise<{ names: readonly string[] | undefined; rows: number }> {
  let names: readonly string[] | undefined;
  let rows = 0;
  await readRows(path, syntax, (cells, place) => {
    if (names === undefined) {
      names = syntax.header === false ? cells.map((_, i) => String(i)) : cells;
      const header = headerOf(path, names, syntax, cells);
      onHeader(header);
      if (syntax.header !== false) return;
    }
    rows++;
    onRow(cells, place);
  });
  return { names, rows };
}

function headerOf(
  path: string,
  names: readonly string[],
  syntax: TableSyntax,
  cells: readonly string[],
): Header {
  if (syntax.header === null && cells.every(isNumber)) {
    throw new LockstepError(
      'data',
      `${path}: the first line is taken for the names of the columns, but all of its cells are numbers (${cells.slice(0, 5).join(', ')}); give header: false if it is a row of data, header: true if it is not`,
      { path },
    );
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new LockstepError('data', `${path}: two columns are named '${twice}'; rename one`, {
      path,
      columns: names,
    });
  }
  return {
    path,
    names,
    indexOf(column) {
      const index = typeof column === 'number' ? column : names.indexOf(column);
      if (Number.isInteger(index) && index >= 0 && index < names.length) return index;
      throw new LockstepError(
        'data',
        `${path}: no column '${column}'; the file has ${names.join(', ')}${delimiterHint(names, syntax)}`,
        { path, column, columns: names },
      );
    },
  };
}

/** A hint at the right delimiter: with a wrong one the file has one column, whose name contains the right one. */
function delimiterHint(names: readonly string[], { delimiter }: TableSyntax): string {
  const found =
    names.length === 1 && [';', '\t', '|', ','].find((one) => one !== delimiter && names[0]!.includes(one));
  return found
    ? `; its columns seem to be separated by ${JSON.stringify(found)}: give delimiter: ${JSON.stringify(found)}`
    : '';
}

function requireSame(first: Header, { path, names }: Header): void {
  if (names.length === first.names.length && names.every((name, i) => name === first.names[i])) return;
  throw new LockstepError(
    'data',
    `${path}: its columns are ${names.join(', ')}, but ${first.path} has ${first.names.join(', ')}; files of one table need the same columns in the same order`,
    { path, columns: names, expected: first.names },
  );
}
