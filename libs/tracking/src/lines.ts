import { open, readFile, truncate } from 'node:fs/promises';
import { LockstepError } from '@lockstep/errors';

/** One line of a log. Non-finite numbers come back as the strings `NaN`, `Infinity` and `-Infinity`. */
export type LogRecord = Readonly<Record<string, unknown>>;

/** The start of a record whose writing a crash cut short. */
export interface TornLine {
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Lines {
  readonly records: readonly LogRecord[];
  readonly torn?: TornLine;
}

/** A record as a line. JSON would turn a diverged loss into `null`; here it stays visible as a string. */
export function formatLine(record: LogRecord): string {
  const nonFinite = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return `${JSON.stringify(record, nonFinite)}\n`;
}

/**
 * The records of a JSONL file; none if it does not exist. A last line without its line feed is torn: it is
 * returned apart. Throws a `checkpoint` error for any other line that is not a JSON object.
 */
export async function readLines(path: string): Promise<Lines> {
  const lines = (await readOrEmpty(path)).split('\n');
  const text = lines.pop()!;
  const records = lines.map((line, i) => parseLine(line, path, i + 1));
  return text === '' ? { records } : { records, torn: { path, line: records.length + 1, text } };
}

/** Removes a torn last line, so that the next record starts a line of its own; returns what it removed. */
export async function repairLines(path: string): Promise<TornLine | undefined> {
  const { torn } = await readLines(path);
  if (torn === undefined) return undefined;
  const bytes = await readFile(path);
  await truncate(path, bytes.lastIndexOf('\n') + 1);
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  return torn;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function parseLine(text: string, path: string, line: number): LogRecord {
  const record = parseOrUndefined(text);
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record as LogRecord;
  throw new LockstepError(
    'checkpoint',
    `${path}: line ${line} is not a JSON object: ${JSON.stringify(text.slice(0, 60))}; the file was damaged after it was written`,
    { path, line },
  );
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
