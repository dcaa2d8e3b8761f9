/** The event file of a run, which TensorBoard reads while the run goes on. A run goes on without it where it cannot be written. */
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { cutBack, fileError } from '@lockstep/files';
import type { OpaqueRecord, Outcome } from '@lockstep/protocol';
import { type Histogram, histogramEdges } from '@lockstep/tensor';
import {
  type Histogram as Buckets,
  fileVersion,
  histograms,
  type Session,
  scalars,
  sessionEnd,
  sessionStart,
  soundBytes,
} from '@lockstep/tensorboard';
import type { StepHistograms } from '@lockstep/tracking';
import type { Update } from './updates.ts';

export interface EventFileOptions {
  readonly path: string;
  /** What is known of the run before its first step. Read for a new file alone. */
  readonly session: Omit<Session, 'startTime'>;
}

export interface EventFile {
  /**
   * Writes scalars of steps (`train/loss`) and evaluations (`test/loss`), histograms (`params/0/kernel`, `gradients/…`, `updates/…`),
   * and how the run ended.
   */
  update(update: Update): void;
  close(): void;
}

/**
 * Goes on with an existing file after its last sound record. `onFailed` is called once, at the first record that cannot be
 * written; later records are written if there is space again. Throws `file` when the file cannot be opened.
 */
export function openEventFile(
  { path, session }: EventFileOptions,
  onFailed: (error: unknown) => void,
): EventFile {
  const { file, size } = open(path);
  const append = createAppend(file, size, (cause) => onFailed(fileError(path, cause)));
  if (size === 0) {
    append(Buffer.concat([fileVersion(), sessionStart({ ...session, startTime: now() })]));
  }
  return {
    update(update) {
      switch (update.type) {
        case 'progress':
          append(scalarsOf(update.step, update.report, 'train/'));
          return append(histogramsIn(update.histograms));
        case 'evaluation':
          return append(scalarsOf(update.step, update.report, ''));
        case 'done':
          return append(endOf(update.outcome));
      }
    },
    close: () => closeSync(file),
  };
}

function open(path: string): { readonly file: number; readonly size: number } {
  try {
    // Appended to, so that each write finds the end, also after records were cut off.
    const file = openSync(path, 'a+');
    const size = soundBytes(readFileSync(path));
    if (size < fstatSync(file).size) ftruncateSync(file, size);
    return { file, size };
  } catch (cause) {
    throw fileError(path, cause);
  }
}

/** Nothing is read behind half a record, so a record that does not fit is taken back. */
function createAppend(file: number, begin: number, onFailed: (cause: unknown) => void) {
  let size = begin;
  let hasFailed = false;
  let isTorn = false;
  return (record: Uint8Array): void => {
    if (isTorn || record.length === 0) return;
    try {
      writeWhole(file, record);
      size += record.length;
    } catch (cause) {
      isTorn = !cutBack(file, size);
      if (!hasFailed) onFailed(cause);
      hasFailed = true;
    }
  };
}

/** On a disk that is nearly full a write may take a part, and the next one fails. */
function writeWhole(file: number, record: Uint8Array): void {
  for (let rest = record; rest.length > 0; ) rest = rest.subarray(writeSync(file, rest));
}

function scalarsOf(step: number, { metrics }: OpaqueRecord, prefix: string): Uint8Array {
  const entries = Object.entries(metrics ?? {}).filter(([, value]) => typeof value === 'number');
  if (entries.length === 0) return new Uint8Array();
  const values = Object.fromEntries(entries.map(([name, value]) => [`${prefix}${name}`, value as number]));
  return scalars({ wallTime: now(), step }, values);
}

function histogramsIn(of: StepHistograms | undefined): Uint8Array {
  if (of === undefined) return new Uint8Array();
  const { step, params, gradients, updates } = of;
  const tagged = Object.entries({ params, gradients, updates }).flatMap(([kind, named]) =>
    Object.entries(named).map(([name, one]) => [`${kind}/${name}`, bucketsOf(one)] as const),
  );
  return histograms({ wallTime: now(), step }, Object.fromEntries(tagged));
}

/** Numbers that are not finite have no bucket. */
function bucketsOf(of: Histogram): Buckets {
  const { min, max, count, nonFinite = 0, sum, sumOfSquares, counts } = of;
  const limits = histogramEdges(of).slice(1);
  return { min, max, count: count - nonFinite, sum, sumOfSquares, limits, counts };
}

/** An interrupted run has not ended: `lockstep resume` goes on with it. */
function endOf({ reason }: Outcome): Uint8Array {
  if (reason === 'interrupted' || reason === 'paused') return new Uint8Array();
  return sessionEnd(reason === 'finished' ? 'success' : 'failure', now());
}

/** Seconds since 1970. */
const now = (): number => Date.now() / 1_000;
