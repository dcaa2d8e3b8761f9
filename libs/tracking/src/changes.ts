/**
 * Changes of a run's length. A schedule of the learning rate depends on the length, so a run that was made longer differs from a
 * run that had this length from the start. Its result follows from the whole history, which the manifest keeps.
 */
import type { LogRecord } from './lines.ts';
import type { Manifest } from './run.ts';

export interface Length {
  readonly epochs: number | null;
  readonly steps: number | null;
}

export interface LengthChange extends Length {
  /** Steps up to this one have the length before the change; later ones have the new length. */
  readonly step: number;
  readonly before: Length;
  readonly time: string;
}

/** The oldest change comes first. */
export function changesOf({ changes }: Manifest): readonly LengthChange[] {
  return Array.isArray(changes) ? (changes as readonly LengthChange[]) : [];
}

/**
 * The type of the record of a change in `metrics.jsonl` and `events.jsonl`; it stands between the records before and after the
 * change.
 */
export const lengthChanged = 'lengthChanged';

/** The metrics that still hold: steps after a change are repeated, and the final evaluation belongs to the old length. */
export function standingMetrics(records: readonly LogRecord[]): readonly LogRecord[] {
  let standing: LogRecord[] = [];
  for (const record of records) {
    if (record.kind !== lengthChanged) standing.push(record);
    else standing = standing.filter((one) => one.final !== true && Number(one.step) <= Number(record.step));
  }
  return standing;
}
