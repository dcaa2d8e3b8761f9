import { keyNamed, valuesOf } from './keys.ts';
import type { RunRecord, Value } from './record.ts';

export interface SortOptions {
  /** The greatest value first. Default false. */
  readonly descending?: boolean;
}

/**
 * Runs by a metric, parameter or setting. NaN and runs without the value come last in either direction; equal ones are in the order of
 * their folders' names. Throws `config` for a key that no run has.
 */
export function sortRuns(
  runs: readonly RunRecord[],
  key: string,
  { descending = false }: SortOptions = {},
): readonly RunRecord[] {
  if (runs.length === 0) return runs;
  const all = runs.map(valuesOf);
  const name = keyNamed(all, key);
  const sign = descending ? -1 : 1;
  return runs
    .map((run, i) => ({ run, value: all[i]!.get(name) }))
    .sort(
      (a, b) =>
        groupOf(a.value) - groupOf(b.value) || sign * order(a.value, b.value) || byText(a.run.id, b.run.id),
    )
    .map(({ run }) => run);
}

/** Numbers come before text, and what has no order comes last. */
function groupOf(value: Value | undefined): number {
  if (value === undefined || Number.isNaN(value)) return 2;
  return typeof value === 'string' ? 1 : 0;
}

/** Within a group. */
function order(a: Value | undefined, b: Value | undefined): number {
  if (typeof a === 'string') return byText(a, String(b));
  // Infinity less Infinity is NaN.
  return a === b || groupOf(a) === 2 ? 0 : Number(a) < Number(b) ? -1 : 1;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
