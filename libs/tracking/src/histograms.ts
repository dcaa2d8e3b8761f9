/** The histograms of a run, `histograms.jsonl`: a line for each fingerprint step, in a run that was asked for them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/errors';
import type { Histogram } from '@lockstep/tensor';
import { lengthChanged } from './changes.ts';
import { type DamagedLine, type LogRecord, readLines, recordOf, repairLines } from './lines.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import type { Manifest } from './run.ts';

export const histogramsName = 'histograms.jsonl';

/** By the name of the parameter. */
export type NamedHistograms = Readonly<Record<string, Histogram>>;

/** Of one step. */
export interface StepHistograms {
  readonly step: number;
  /** Parameters before the step. */
  readonly params: NamedHistograms;
  /** The mean gradient over the samples of the step, without that of a penalty, before clipping. */
  readonly gradients: NamedHistograms;
  /** Parameters after the step minus those before it. */
  readonly updates: NamedHistograms;
  /** Parameters for which a line has no room. Absent if there are none. */
  readonly omitted?: readonly string[];
}

export interface HistogramFile {
  /** One of each step, in the order of the steps. */
  readonly steps: readonly StepHistograms[];
  /** A last line without its line feed. A process may be writing it. */
  readonly torn?: DamagedLine;
  /** Other lines that are no histograms, which are left out. */
  readonly damaged: readonly DamagedLine[];
}

/**
 * The histograms of a run folder; no steps if it has none. Another process may still write to it. Of a step that was computed again,
 * the later line counts. Throws the system's error if the file cannot be read.
 */
export async function readHistograms(folder: string): Promise<HistogramFile> {
  const { records, torn, damaged = [] } = await readLines(join(folder, histogramsName), lineOf);
  const steps = new Map<number, StepHistograms>();
  for (const record of records as readonly unknown[] as readonly (StepHistograms | LengthLine)[]) {
    if (!('kind' in record)) steps.set(record.step, record);
    // Steps after a change of the run's length are computed again.
    else for (const step of [...steps.keys()]) if (step > record.step) steps.delete(step);
  }
  const ordered = [...steps.values()].sort((a, b) => a.step - b.step);
  return { steps: ordered, damaged, ...(torn && { torn }) };
}

interface LengthLine {
  readonly kind: typeof lengthChanged;
  readonly step: number;
}

/** Undefined for a line that is neither histograms of a step nor a change of the run's length. */
function lineOf(text: string): LogRecord | undefined {
  const record = recordOf(text);
  if (record === undefined || !isWhole(record.step)) return undefined;
  if ('kind' in record) return record.kind === lengthChanged ? record : undefined;
  return histogramsFrom(record.step as number, record) && record;
}

/** Histograms of a step as a report or a line has them; undefined if they are none. */
export function histogramsFrom(step: number, record: LogRecord): StepHistograms | undefined {
  const { params, gradients, updates, omitted } = record;
  const isOmitted = omitted === undefined || (Array.isArray(omitted) && omitted.every(isText));
  if (!isOmitted || ![params, gradients, updates].every(areHistograms)) return undefined;
  const histograms = { step, params, gradients, updates, ...(omitted !== undefined && { omitted }) };
  return histograms as StepHistograms;
}

const isText = (value: unknown): boolean => typeof value === 'string';

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const areHistograms = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every(isHistogram);

function isHistogram(value: unknown): boolean {
  const { count, nonFinite = 0, first, counts, ...sums } = (value ?? {}) as Partial<Histogram>;
  const { min, max, sum, sumOfSquares } = sums;
  return (
    [count, nonFinite].every(isWhole) &&
    [min, max, sum, sumOfSquares].every(Number.isFinite) &&
    Number.isSafeInteger(first) &&
    Array.isArray(counts) &&
    counts.every(isWhole)
  );
}

export interface OpenedHistograms {
  readonly log: LogFile;
  /** Lines that are damaged. A last line that was cut short has been removed. */
  readonly damaged: readonly DamagedLine[];
}

/** Opens the histograms of a run folder to go on with them. Throws a `file` error when the file cannot be opened. */
export async function openHistograms(folder: string): Promise<OpenedHistograms> {
  const path = join(folder, histogramsName);
  const damaged = await repairLines(path);
  return { log: openLogFile(path), damaged };
}

/** Notes a change of the run's length, after a step, in the histograms of a run folder that has any. */
export async function noteLengthInHistograms(folder: string, step: number): Promise<void> {
  if (!existsSync(join(folder, histogramsName))) return;
  const { log } = await openHistograms(folder);
  log.append({ kind: lengthChanged, step });
  log.close();
}

/** Whether a run takes histograms. Throws a `checkpoint` error for a setting that is neither true nor false. */
export function takesHistograms({ histograms = false }: Manifest, folder: string): boolean {
  if (typeof histograms === 'boolean') return histograms;
  throw new LockstepError(
    'checkpoint',
    `${folder}/manifest.json: histograms is ${JSON.stringify(histograms)}, neither true nor false; correct it there`,
    { folder, histograms },
  );
}
