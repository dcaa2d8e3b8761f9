/** A file that records are appended to, and that a full disk does not stop: lost records are counted. */
import { appendFileSync, closeSync, fstatSync, openSync } from 'node:fs';
import { cutBack, fileError } from '@lockstep/files';

/** Records that are missing in a log because they could not be written. */
export interface LogGap {
  readonly path: string;
  readonly numLost: number;
  /** The lowest and the highest step of the lost records. */
  readonly steps: readonly [number, number] | undefined;
  /** The error of the first lost record. */
  readonly error: unknown;
}

export interface AppendFile {
  /** In bytes. */
  readonly size: number;
  /** Whether a part of a lost record is at the end and could not be removed. */
  readonly isTorn: boolean;
  /** Returns false if the record, which is of step `step`, is lost. */
  append(record: Uint8Array | string, step: unknown): boolean;
  gap(): LogGap | undefined;
  close(): void;
}

/** Throws a `file` error when the file cannot be opened. */
export function openAppendFile(path: string): AppendFile {
  const file = open(path);
  let size = fstatSync(file).size;
  let isTorn = false;
  let gap: LogGap | undefined;
  return {
    get size() {
      return size;
    },
    get isTorn() {
      return isTorn;
    },
    append(record, step) {
      try {
        appendFileSync(file, record);
      } catch (cause) {
        gap = widened(gap ?? { path, numLost: 0, steps: undefined, error: fileError(path, cause) }, step);
        isTorn = !cutBack(file, size) || isTorn;
        return false;
      }
      size = isTorn ? fstatSync(file).size : size + Buffer.byteLength(record);
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

function widened(gap: LogGap, step: unknown): LogGap {
  const { steps } = gap;
  const numLost = gap.numLost + 1;
  if (typeof step !== 'number') return { ...gap, numLost };
  return { ...gap, numLost, steps: [Math.min(step, steps?.[0] ?? step), Math.max(step, steps?.[1] ?? step)] };
}
