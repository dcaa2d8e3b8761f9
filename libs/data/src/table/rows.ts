/** The rows of a delimited text file. */
import { pipeline } from 'node:stream/promises';
import { LockstepError } from '@lockstep/errors';
import { CsvError, parse } from 'csv-parse';
import { readText } from './text-file.ts';

/**
 * How to cut the text of a table into cells and how to read the cells. Plain data that is saved with a trained model.
 */
export interface TableSyntax {
  /** Whether the first line names the columns; null: true if columns are given by name. */
  readonly header: boolean | null;
  readonly delimiter: string;
  /** The character between the whole and the fractional part of a number. */
  readonly decimal: '.' | ',';
  readonly encoding: string | null;
  /** Lines that begin with this text are skipped. */
  readonly comment: string | null;
  /** Cells that mean a missing value, in addition to empty cells. */
  readonly naValues: readonly string[];
}

/** The position of a row, for messages. */
export interface Place {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
}

/**
 * Calls `onRow` with the cells of each line that is not empty. All rows have the same number of cells.
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
    // By default the parser would expect the first line's ending on all lines.
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
