/** From the reduced sums of an evaluation to its metrics. */

/**
 * Means over a split: `sums` [batches, metrics + 1], the last column the number of samples. Batches are added in
 * order, in float64, and divided once.
 */
export function evaluationMetrics(
  names: readonly string[],
  sums: Float32Array,
  prefix: string,
): Record<string, number> {
  const width = names.length + 1;
  const totals = new Array<number>(width).fill(0);
  for (const [i, value] of sums.entries()) totals[i % width]! += value;
  const count = totals[names.length]!;
  return Object.fromEntries(names.map((name, i) => [`${prefix}/${name}`, totals[i]! / count]));
}
