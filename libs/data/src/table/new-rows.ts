/** Prepares new rows of a table by the format that was saved in training. */
import { describeValue, LockstepError } from '@lockstep/errors';
import { type Column, readNumbers, readWords, writeNumber } from './columns.ts';
import { type Encoded, encodeTable, type Feature, type TableFormat } from './format.ts';
import { type Header, readTable } from './read-table.ts';
import type { Place, TableSyntax } from './rows.ts';

/** A row: values by column name. Columns that are no features are ignored. */
export type RowRecord = Readonly<Record<string, string | number | null>>;

export interface NewRows extends Encoded {
  readonly numRows: number;
}

const kindOf = ({ kind }: Feature): 'number' | 'words' => (kind === 'number' ? 'number' : 'words');

/** @throws LockstepError `data` that names row and column. */
export function encodeRecords(format: TableFormat, records: readonly RowRecord[]): NewRows {
  const { syntax } = format;
  for (const [i, record] of records.entries()) requireRecord(record, i);
  const columns = format.features.map((feature): Column => {
    const reader =
      kindOf(feature) === 'number' ? readNumbers(feature.column, syntax) : readWords(feature.column, syntax);
    for (const [i, record] of records.entries()) {
      reader.add(cellOf(record, feature.column, i, syntax), rowPlace(i));
    }
    return reader.finish();
  });
  return { numRows: records.length, ...encodeTable(format, columns, records.length, 'the rows') };
}

function requireRecord(record: unknown, row: number): void {
  if (typeof record === 'object' && record !== null && !Array.isArray(record) && !ArrayBuffer.isView(record))
    return;
  throw new LockstepError(
    'data',
    `row ${row + 1} is ${describeValue(record)}; it must be an object by column name, like the first row`,
    { row: row + 1 },
  );
}

const rowPlace = (row: number): Place => ({ path: 'the rows', line: row + 1 });

/** A value as a cell of the file: a string unchanged, a number with the decimal sign of the file. */
function cellOf(record: RowRecord, column: string, row: number, { decimal }: TableSyntax): string {
  const value = Object.hasOwn(record, column) ? record[column] : undefined;
  if (value === null) return '';
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number') return writeNumber(value, decimal);
  if (value !== undefined) {
    throw new LockstepError(
      'data',
      `row ${row + 1}: '${column}' is ${describeValue(value)}; give a number, a string, or null for a missing value`,
      { row: row + 1, column },
    );
  }
  throw new LockstepError(
    'data',
    `row ${row + 1} has no '${column}'; it has ${Object.keys(record).join(', ') || 'nothing'}; each row needs the columns that the model was trained on (null for a missing value)`,
    { row: row + 1, column },
  );
}

/** @throws LockstepError `data` that names file, line and column. */
export async function readNewRows(format: TableFormat, path: string): Promise<NewRows> {
  const { features, syntax } = format;
  const { columns, numRows } = await readTable([path], {
    syntax,
    missing: 'keep',
    choose: (header) => {
      const isWithoutLabels = syntax.header === false && header.names.length === features.length;
      return features.map((feature, i) => ({
        column: isWithoutLabels ? i : placeOf(header, feature.column, syntax.header === false),
        kind: kindOf(feature),
      }));
    },
  });
  return { numRows, ...encodeTable(format, columns, numRows, path) };
}

/** Without a header, the name of a column is its index in the training rows. */
const placeOf = (header: Header, column: string, isByPlace: boolean): number =>
  header.indexOf(isByPlace ? Number(column) : column);
