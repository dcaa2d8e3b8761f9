import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrowingWork, type StepWork, workFields } from './work.ts';

const stepWork = (step: number, ms: number): StepWork => ({
  ...{ step, stepMs: ms, computeMs: ms / 2, waitMs: ms / 4, networkMs: ms / 8 },
  ...{ sentBytes: 100, receivedBytes: 50 },
});

const steps = fc.array(fc.nat(500), { minLength: 1, maxLength: 300 });

describe('GrowingWork', () => {
  it('sums over columns, of which there are never too many', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const growing = new GrowingWork(16);
        for (const step of all) growing.add(stepWork(step, 8));
        const { width, columns, counts, stepMs, sentBytes } = growing.get();
        expect(columns.length).toBeLessThanOrEqual(16);
        for (const [i, column] of columns.entries()) {
          const count = all.filter((step) => Math.floor(step / width) * width === column).length;
          expect(counts[i]).toBe(count);
          expect(stepMs[i]).toBe(8 * count);
          expect(sentBytes[i]).toBe(100 * count);
        }
        expect([...columns]).toEqual([...new Set(columns)].sort((a, b) => a - b));
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all.length);
      }),
    );
  });

  it('adds sums as it adds steps', () => {
    fc.assert(
      fc.property(steps, steps, (a, b) => {
        const [whole, first, second] = [new GrowingWork(16), new GrowingWork(16), new GrowingWork(8)];
        for (const step of a) for (const to of [whole, first]) to.add(stepWork(step, 8));
        for (const step of b) for (const to of [whole, second]) to.add(stepWork(step, 8));
        first.addAll(second.get());
        const [sums, expected] = [first.get(), whole.get()];
        for (const field of ['counts', ...workFields] as const) {
          const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
          expect(total(sums[field])).toBe(total(expected[field]));
        }
        expect(sums.width).toBeGreaterThanOrEqual(expected.width);
      }),
    );
  });
});
