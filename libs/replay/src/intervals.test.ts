import { describe, expect, it } from 'vitest';
import { drawIntervals, intervalsBetween } from './intervals.ts';

const intervals = intervalsBetween([0, 10, 20, 60, 100]);

describe('drawIntervals', () => {
  it('covers the fraction with whole intervals, the same for one seed', () => {
    for (let seed = 0; seed < 20; seed++) {
      const draw = drawIntervals(intervals, 0.3, seed);
      expect(draw.coverage).toBeGreaterThanOrEqual(0.3);
      expect(draw.missed).toBe(1 - draw.drawn.length / 4);
      expect(drawIntervals(intervals, 0.3, seed)).toEqual(draw);
      expect([...draw.drawn].sort((a, b) => a.from - b.from)).toEqual(draw.drawn);
    }
  });

  it('draws every interval for some seed', () => {
    const drawn = new Set(
      Array.from({ length: 40 }, (_, seed) => drawIntervals(intervals, 0.1, seed).drawn[0]!.from),
    );
    expect(drawn.size).toBe(4);
  });

  it('covers everything where everything is asked for', () => {
    expect(drawIntervals(intervals, 1, 1)).toEqual({
      drawn: intervals,
      numIntervals: 4,
      coverage: 1,
      missed: 0,
    });
    expect(drawIntervals([], 0.1, 1)).toEqual({ drawn: [], numIntervals: 0, coverage: 1, missed: 0 });
  });
});
