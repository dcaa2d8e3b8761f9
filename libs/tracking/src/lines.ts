import { open, readFile, truncate } from 'node:fs/promises';

/** A record of a log. Non-finite numbers are read as the strings `NaN`, `Infinity` and `-Infinity`. */
export type LogRecord = Readonly<Record<string, unknown>>;

/** A line that is not a record, because a crash or a full disk cut it short. */
export interface DamagedLine {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  /** The beginning of the line. */
  readonly text: string;
}

export interface Lines {
  readonly records: readonly LogRecord[];
  /** A last line without its line feed. */
  readonly torn?: DamagedLine;
  /** Damaged lines before the last one; they are not in the records. */
  readonly damaged?: readonly DamagedLine[];
}

/** A record as a line. Non-finite numbers are written as strings, because JSON would turn a diverged loss into `null`. */
export function formatLine(record: LogRecord): string {
  const nonFinite = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(record, nonFinite)}\n`;
}

/**
 * The records of a JSONL file; none if the file does not exist. A last line without its line feed is torn. It is returned apart,
 * as are other lines that are no records. `parse` gives undefined for a line that is no record. Default: a JSON object.
 */
export async function readLines(
  path: string,
  parse: (line: string) => LogRecord | undefined = recordOf,
): Promise<Lines> {
  const lines = (await readOrEmpty(path)).split('\n');
  const text = lines.pop()!;
  const records: LogRecord[] = [];
  const damaged: DamagedLine[] = [];
  lines.forEach((line, i) => {
    const record = parse(line);
    if (record === undefined) damaged.push(damagedLine(path, i + 1, line));
    else records.push(record);
  });
  return {
    records,
    ...(text !== '' && { torn: damagedLine(path, lines.length + 1, text) }),
    ...(damaged.length > 0 && { damaged }),
  };
}

const shownLength = 60;

function damagedLine(path: string, line: number, text: string): DamagedLine {
  return { path, line, text: text.slice(0, shownLength) };
}

/**
 * Removes a torn last line, so that the next record starts on a line of its own. Returns the damaged lines with the removed one.
 */
export async function repairLines(path: string): Promise<readonly DamagedLine[]> {
  const { torn, damaged = [] } = await readLines(path);
  if (torn === undefined) return damaged;
  const bytes = await readFile(path);
  await truncate(path, bytes.lastIndexOf('\n') + 1);
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  return [...damaged, torn];
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Undefined for a line that is no record. */
export function recordOf(text: string): LogRecord | undefined {
  const record = parseOrUndefined(text);
  const isRecord = typeof record === 'object' && record !== null && !Array.isArray(record);
  return isRecord ? (record as LogRecord) : undefined;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
