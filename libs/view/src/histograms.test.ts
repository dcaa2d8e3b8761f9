/** Histograms over steps: rows of bins, and where values lie among them. */
import { describe, expect, it } from 'vitest';
import { fewer, type HistogramRow, type HistogramStep, heatOf, namesIn } from './histograms.ts';

/** Bin 81 is [1, 1.5), bin 82 is [1.5, 2), bin 79 is [0.5, 0.75). */
const rowOf = (first: number, counts: readonly number[], rest: Partial<HistogramRow> = {}): HistogramRow => ({
  ...{ count: counts.reduce((sum, count) => sum + count, 0), min: 0, max: 0, sum: 0, sumOfSquares: 0 },
  ...{ first, counts, ...rest },
});

const stepOf = (step: number, params: Readonly<Record<string, HistogramRow>>): HistogramStep => ({
  ...{ step, params, gradients: {}, updates: {} },
});

describe('heatOf', () => {
  it('has a row for each bin that matters, and one for the small magnitudes between', () => {
    const heat = heatOf(
      [
        stepOf(10, { w: rowOf(-81, [4, ...new Array(161).fill(0), 4]) }),
        stepOf(20, { w: rowOf(79, [2, 0, 6]) }),
      ],
      'params',
      'w',
    )!;
    // Bins −81 to −79, the middle, 79 to 81.
    expect([heat.steps, heat.numRows]).toEqual([[10, 20], 7]);
    expect(heat.shares).toEqual([
      [0.5, 0, 0, 0, 0, 0, 0.5],
      [0, 0, 0, 0, 0.25, 0, 0.75],
    ]);
    expect(heat.quantiles[0]).toEqual([0.1, 1, expect.closeTo(6.9, 12)]);
    expect([0, 0.5, 3.2, 5, 6.5].map(heat.valueAt)).toEqual([-1.5, -1.25, 0, 0.75, 1.25]);
    expect(heat.ticks).toEqual([
      { at: 1, text: '−1' },
      { at: 3.5, text: '0' },
      { at: 6, text: '1' },
    ]);
  });

  it('says at which steps elements are not finite', () => {
    const heat = heatOf(
      [stepOf(1, { w: rowOf(81, [3]) }), stepOf(2, { w: rowOf(0, [], { count: 3, nonFinite: 3 }) })],
      'params',
      'w',
    )!;
    expect([heat.broken, heat.quantiles[1]]).toEqual([[2], null]);
  });

  it('is empty for what no step has', () => {
    expect(heatOf([stepOf(1, {})], 'gradients', 'w')).toBeUndefined();
  });
});

describe('steps with histograms', () => {
  it('are made fewer evenly, and the last one stays', () => {
    const steps = Array.from({ length: 10 }, (_, i) => stepOf(i, { [`w${i % 2}`]: rowOf(1, [1]) }));
    expect(fewer(steps, 4).map(({ step }) => step)).toEqual([0, 3, 6, 9]);
    expect(fewer(steps, 10)).toBe(steps);
    expect(namesIn(steps, 'params')).toEqual(['w0', 'w1']);
  });
});
