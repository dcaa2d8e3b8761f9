/** Tables as files. */
import type { Column, Table } from './table.ts';

export const tableFormats = ['csv', 'parquet'] as const;

export type TableFormat = (typeof tableFormats)[number];

export async function encodeTable(table: Table, format: TableFormat): Promise<Uint8Array> {
  switch (format) {
    case 'csv':
      return encodeCsv(table);
    case 'parquet':
      return encodeParquet(table);
    default:
      return format satisfies never;
  }
}

/** CSV of RFC 4180, in UTF-8, with a line of names. A missing value is an empty field; the empty text is `""`. */
export function encodeCsv(table: Table): Uint8Array {
  const numRows = table[0]?.values.length ?? 0;
  const lines = Array.from({ length: numRows }, (_, row) => table.map(({ values }) => fieldOf(values[row])));
  const all = [table.map(({ name }) => fieldOf(name)), ...lines];
  return new TextEncoder().encode(all.map((fields) => `${fields.join(',')}\r\n`).join(''));
}

function fieldOf(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  const text = String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const parquetTypes = { text: 'STRING', boolean: 'BOOLEAN', number: 'DOUBLE' } as const;

/** Apache Parquet, compressed with Snappy. Numbers are doubles; whole numbers of `step` columns are 32-bit integers. */
export async function encodeParquet(table: Table): Promise<Uint8Array> {
  // Only an export needs it.
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const columnData = table.map((column) => ({
    name: column.name,
    data: [...column.values],
    type: isInt32(column) ? ('INT32' as const) : parquetTypes[column.type],
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData, createdBy: 'lockstep' }));
}

/** Steps and other counts; a column of measured values is one of doubles even where they happen to be whole. */
const counts = new Set(['step', 'steps', 'totalSteps', 'parentStep', 'cores']);

const isInt32 = ({ name, type, values }: Column): boolean =>
  type === 'number' &&
  counts.has(name) &&
  values.every((value) => value === null || value === (Number(value) | 0));
