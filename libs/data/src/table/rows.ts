/** The rows of a delimited text file. */
import { pipeline } from 'node:stream/promises';
import { LockstepError } from '@lockstep/errors';
import { CsvError, parse } from 'csv-parse';
import { readText } from './text-file.ts';

/** How the text of a table is cut into cells, and how cells are read. Plain data: it is kept with a trained model. */
export interface TableSyntax {
  /** Whether the first line names the columns; null: it does where columns are told by name. */
  readonly header: boolean | null;
  readonly delimiter: string;
  /** Between the whole and the fractional part of a number. */
  readonly decimal: '.' | ',';
  readonly encoding: string | null;
  /** Lines that begin with it are left out. */
  readonly comment: string | null;
  /** Cells that stand for a missing value, beside empty ones. */
  readonly naValues: readonly string[];
}

/** Where a row stands: for messages. */
export interface Place {
  readonly path: string;
  /** From 1. */
  readonly line: number;
}

/**
 * Calls `onRow` with the cells of each line that is not empty. All rows have as many cells as the first.
 *
 * @throws LockstepError `data` if the file cannot be read or is damaged.
 */
export async function readRows(
  path: string,
  syntax: TableSyntax,
  onRow: (cells: readonly string[], place: Place) => void,
): Promise<void> {
  const parser = parse({
    delimiter: syntax.delimiter,
    // Unless told, the first line's ending would be taken for that of all.
    record_delimiter: ['\r\n', '\n', '\r'],
    ...(syntax.comment !== null && { comment: syntax.comment, comment_no_infix: true }),
    skip_empty_lines: true,
    trim: true,
    on_record: (cells: readonly string[], { lines }: { readonly lines: number }) => {
      onRow(cells, { path, line: lines });
      return null;
    },
  });
  try {
    await pipeline(readText(path, syntax.encoding ?? undefined), parser, async (rows) => {
      for await (const _ of rows);
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new LockstepError('data', `${path}: ${cause.message}`, { path, reason: cause.code }, { cause });
  }
}

export function cellError({ path, line }: Place, column: string, what: string): LockstepError {
  return new LockstepError('data', `${path}: line ${line}, column '${column}': ${what}`, {
    path,
    line,
    column,
  });
}
