/** Metrics from the reduced sums of an evaluation. */
import { itemsOf, unpack } from './groups.ts';
import { sumGroups } from './signatures.ts';

/**
 * Means over a split: `sums` is [batches, columns] with the columns of `sumGroups`. Batches are added in order, in
 * float64, and divided once.
 */
export function evaluationMetrics(
  names: readonly string[],
  sums: Float32Array,
  prefix: string,
): Record<string, number> {
  const columns = sumGroups({ evaluationMetrics: names });
  const width = itemsOf(columns).length;
  const totals = new Array<number>(width).fill(0);
  for (const [i, value] of sums.entries()) totals[i % width]! += value;
  const { metrics, samples } = unpack(columns, totals);
  return Object.fromEntries(names.map((name, i) => [`${prefix}/${name}`, metrics[i]! / samples]));
}
