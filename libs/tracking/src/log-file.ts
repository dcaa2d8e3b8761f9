/** A log of lines. After a record that was lost in part, the next record starts on a line of its own. */
import { type LogGap, openAppendFile } from './append-file.ts';
import { formatLine, type LogRecord } from './lines.ts';

export interface LogFile {
  /** Returns false if the record is lost. */
  append(record: LogRecord): boolean;
  gap(): LogGap | undefined;
  close(): void;
}

/** Throws a `file` error when the file cannot be opened. */
export function openLogFile(path: string): LogFile {
  const file = openAppendFile(path);
  return {
    append: (record) => file.append(`${file.isTorn ? '\n' : ''}${formatLine(record)}`, record.step),
    gap: file.gap,
    close: file.close,
  };
}
