/** The runnable comparison of four ways to a derivative, in experiments/. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Row {
  readonly method: string;
  readonly derivatives: readonly number[];
  readonly errors: readonly number[];
  readonly evaluations: number;
}

const file = new URL('../../../../experiments/four-ways.mjs', import.meta.url);
const { fourWays } = (await import(fileURLToPath(file))) as { fourWays: () => Row[] };

describe('four ways to a derivative', () => {
  const rows = new Map(fourWays().map((row) => [row.method, row]));
  const worst = (method: string): number => Math.max(...rows.get(method)!.errors);

  it('symbolic and automatic differentiation are exact', () => {
    expect(rows.get('by hand')!.derivatives[0]).toBe(5.5);
    expect(rows.get('by hand')!.derivatives[1]).toBeCloseTo(2 - Math.cos(5), 14);
    for (const method of ['symbolic', 'automatic, forward mode', 'automatic, reverse mode'])
      expect(worst(method)).toBeLessThan(1e-15);
  });
  it('finite differences are not', () => {
    expect(worst('numerical, forward differences')).toBeGreaterThan(worst('numerical, central differences'));
    expect(worst('numerical, central differences')).toBeGreaterThan(1e-13);
    expect(worst('numerical, forward differences')).toBeLessThan(1e-5);
  });
  it('reverse mode evaluates the function once, forward mode once for each input', () => {
    const evaluations = Object.fromEntries([...rows].map(([method, row]) => [method, row.evaluations]));
    expect(evaluations).toEqual({
      'by hand': 0,
      'numerical, forward differences': 4,
      'numerical, central differences': 4,
      symbolic: 2,
      'automatic, forward mode': 2,
      'automatic, reverse mode': 1,
    });
  });
});
