/** Histograms over steps: rows of values, and where values lie among them. */
import { describe, expect, it } from 'vitest';
import { heatOf } from './heat.ts';
import {
  binOf,
  fewer,
  type HistogramRow,
  type HistogramStep,
  lowerEdgeOf,
  namesIn,
  partsOf,
  quantileOf,
} from './histograms.ts';

/** Bin 81 is [1, 1.5), bin 82 is [1.5, 2), bin 79 is [0.5, 0.75). */
const rowOf = (first: number, counts: readonly number[], rest: Partial<HistogramRow> = {}): HistogramRow => ({
  ...{ count: counts.reduce((sum, count) => sum + count, 0), sum: 0, sumOfSquares: 0 },
  ...{ min: -1e38, max: 1e38, first, counts, ...rest },
});

const stepOf = (step: number, params: Readonly<Record<string, HistogramRow>>): HistogramStep => ({
  ...{ step, params, gradients: {}, updates: {} },
});

describe('bins', () => {
  it('are two in each power of two, and those of negative numbers mirror them', () => {
    expect([81, 82, 83, 0, -81].map(lowerEdgeOf)).toEqual([1, 1.5, 2, -(2 ** -40), -1.5]);
    expect([1, 1.49, 1.5, 0.6, -1, -1.2, 0, 1e-20].map(binOf)).toEqual([81, 81, 82, 79, -81, -81, 0, 0]);
  });

  it('give quantiles as if they were evenly filled between the least and the greatest element', () => {
    const parts = partsOf(rowOf(81, [1, 0, 1], { min: 1.25, max: 2.5 }));
    expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantileOf(parts, share))).toEqual([
      1.25, 1.375, 1.5, 2.25, 2.5,
    ]);
  });
});

describe('heatOf', () => {
  const two = [
    stepOf(10, { w: rowOf(-81, [4, ...new Array(161).fill(0), 4]) }),
    stepOf(20, { w: rowOf(79, [2, 0, 6]) }),
  ];

  it('has rows of equal heights, over which each bin is spread', () => {
    const heat = heatOf([stepOf(1, { w: rowOf(81, [1, 1, 2], { min: 1, max: 3 }) })], 'params', 'w', false)!;
    const sums = [heat.shares[0]!.slice(0, 14), heat.shares[0]!.slice(14, 28), heat.shares[0]!.slice(28)];
    expect(sums.map((list) => list.reduce((a, b) => a + b))).toEqual(
      [0.25, 0.25, 0.5].map((share) => expect.closeTo(share, 1)),
    );
    expect([heat.place(2), heat.quantiles[0]![1]]).toEqual([expect.closeTo(0.5, 2), 2]);
    const constant = heatOf([stepOf(1, { w: rowOf(81, [3], { min: 1, max: 1 }) })], 'params', 'w', false)!;
    expect([constant.place(1), Math.max(...constant.shares[0]!)]).toEqual([expect.closeTo(0.5, 12), 1]);
  });

  it('has on a logarithmic scale a row for each bin, and one for the small magnitudes between', () => {
    const heat = heatOf(two, 'params', 'w', true)!;
    // Bins −81 to −79, the middle, 79 to 81.
    expect([heat.steps, heat.numRows]).toEqual([[10, 20], 7]);
    expect(heat.shares).toEqual([
      [0.5, 0, 0, 0, 0, 0, 0.5],
      [0, 0, 0, 0, 0.25, 0, 0.75],
    ]);
    expect(heat.ticks(9)).toEqual([
      { place: expect.closeTo(1 / 7, 12), text: '−1' },
      { place: 0.5, text: '0' },
      { place: expect.closeTo(6 / 7, 12), text: '1' },
    ]);
  });

  it('says at which steps elements are not finite', () => {
    const nothing = rowOf(0, [], { count: 3, nonFinite: 3 });
    for (const isLog of [false, true]) {
      const heat = heatOf(
        [stepOf(1, { w: rowOf(81, [3]) }), stepOf(2, { w: nothing })],
        'params',
        'w',
        isLog,
      )!;
      expect([heat.broken, heat.quantiles[1]]).toEqual([[2], null]);
    }
  });

  it('is empty for what no step has', () => {
    expect(heatOf([stepOf(1, {})], 'gradients', 'w', false)).toBeUndefined();
    expect(heatOf([stepOf(1, {})], 'params', 'toString', false)).toBeUndefined();
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
