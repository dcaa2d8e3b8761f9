import { byText, compareValues, keyNamed } from '@lockstep/view';
import { valuesOf } from './keys.ts';
import type { RunRecord } from './record.ts';

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
  return runs
    .map((run, i) => ({ run, value: all[i]!.get(name) }))
    .sort((a, b) => compareValues(a.value, b.value, descending) || byText(a.run.id, b.run.id))
    .map(({ run }) => run);
}
