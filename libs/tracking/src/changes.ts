/**
 * How a run's length was changed. A schedule of the learning rate depends on the length, so a run that was made longer is not
 * the run that had this length from the start: its result follows from the whole history, which the manifest keeps.
 */
import type { LogRecord } from './lines.ts';
import type { Manifest } from './run.ts';

export interface Length {
  readonly epochs: number | null;
  readonly steps: number | null;
}

export interface LengthChange extends Length {
  /** Updates done under the length before; later ones are of this one. */
  readonly step: number;
  readonly before: Length;
  readonly time: string;
}

/** Oldest first. */
export function changesOf({ changes }: Manifest): readonly LengthChange[] {
  return Array.isArray(changes) ? (changes as readonly LengthChange[]) : [];
}

/** The record that says so in `metrics.jsonl` and `events.jsonl`, between what came before and after. */
export const lengthChanged = 'lengthChanged';

/** Of a run's metrics those that still hold: steps after a change are done again, and the evaluation at the end is another. */
export function standingMetrics(records: readonly LogRecord[]): readonly LogRecord[] {
  let standing: LogRecord[] = [];
  for (const record of records) {
    if (record.kind !== lengthChanged) standing.push(record);
    else standing = standing.filter((one) => one.final !== true && Number(one.step) <= Number(record.step));
  }
  return standing;
}
