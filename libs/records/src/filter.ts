/** Filters of runs. */
import { keyNamed, meets, parseFilter } from '@lockstep/view';
import { valuesOf } from './keys.ts';
import type { RunRecord } from './record.ts';

/**
 * The runs that meet every condition. A run without a value for a key meets no condition on it, `!=` included. In text `*` stands
 * for any characters. Throws `config` for a key that no run has.
 */
export function filterRuns(runs: readonly RunRecord[], filter: string): readonly RunRecord[] {
  const conditions = parseFilter(filter);
  if (runs.length === 0) return runs;
  const all = runs.map(valuesOf);
  const named = conditions.map((condition) => ({ ...condition, key: keyNamed(all, condition.key) }));
  return runs.filter((_, i) => named.every((condition) => meets(all[i]!, condition)));
}
