/** A log that a full disk does not stop: lost records are counted, and the next record starts on a line of its own. */
import { appendFileSync, closeSync, fstatSync, openSync } from 'node:fs';
import { cutBack, fileError } from '@lockstep/files';
import { formatLine, type LogRecord } from './lines.ts';

/** Records that are missing in a log because they could not be written. */
export interface LogGap {
  readonly path: string;
  readonly numLost: number;
  /** The lowest and the highest step of the lost records. */
  readonly steps: readonly [number, number] | undefined;
  /** The error of the first lost record. */
  readonly error: unknown;
}

export interface LogFile {
  /** Returns false if the record is lost. */
  append(record: LogRecord): boolean;
  gap(): LogGap | undefined;
  close(): void;
}

/** Throws a `file` error when the file cannot be opened. */
export function openLogFile(path: string): LogFile {
  const file = open(path);
  let size = fstatSync(file).size;
  let isTorn = false;
  let gap: LogGap | undefined;
  return {
    append(record) {
      const line = `${isTorn ? '\n' : ''}${formatLine(record)}`;
      try {
        appendFileSync(file, line);
      } catch (cause) {
        gap = widened(gap ?? { path, numLost: 0, steps: undefined, error: fileError(path, cause) }, record);
        isTorn = !cutBack(file, size) || isTorn;
        return false;
      }
      size += Buffer.byteLength(line);
      isTorn = false;
      return true;
    },
    gap: () => gap,
    close: () => closeSync(file),
  };
}

function open(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (cause) {
    throw fileError(path, cause);
  }
}

function widened(gap: LogGap, { step }: LogRecord): LogGap {
  const { steps } = gap;
  const numLost = gap.numLost + 1;
  if (typeof step !== 'number') return { ...gap, numLost };
  return { ...gap, numLost, steps: [Math.min(step, steps?.[0] ?? step), Math.max(step, steps?.[1] ?? step)] };
}
