import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Curve, extend, lowerBound, type Points, thin, widthFor, withMeans } from './curve.ts';

/** Points at ascending steps, some of them missing, some values not finite. */
const points = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 5 }),
      value: fc.oneof(
        { weight: 12, arbitrary: fc.float({ noNaN: true, min: -100, max: 100 }) },
        { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY) },
      ),
    }),
    { maxLength: 200 },
  )
  .map((rows): Points => {
    let step = 0;
    const steps = rows.map(({ gap }) => {
      step += gap;
      return step;
    });
    return { steps, values: rows.map(({ value }) => value) };
  });

const widths = fc.constantFrom(1, 2, 4, 16, 64);

/** Indices of the points in each column. */
function columnsOf({ steps }: Points, width: number): ReadonlyMap<number, readonly number[]> {
  const columns = new Map<number, number[]>();
  for (let i = 0; i < steps.length; i++) {
    const column = Math.floor(steps[i]! / width);
    columns.set(column, [...(columns.get(column) ?? []), i]);
  }
  return columns;
}

const finiteOf = (values: readonly number[]): readonly number[] => values.filter(Number.isFinite);

/**
 * The pixels of a line on a screen whose pixels are as wide as columns: for each column the lowest and highest point that the line
 * reaches in it, with the parts of strokes that come from and go to its neighbours. Strokes are cut at the column's edges.
 */
function pixelsOf({ steps, values }: Points, width: number): ReadonlyMap<number, readonly [number, number]> {
  const pixels = new Map<number, [number, number]>();
  const cover = (column: number, value: number): void => {
    const [low, high] = pixels.get(column) ?? [value, value];
    pixels.set(column, [Math.min(low, value), Math.max(high, value)]);
  };
  for (let i = 0; i < steps.length; i++) {
    cover(Math.floor(steps[i]! / width), values[i]!);
    const next = steps[i + 1];
    if (next === undefined) continue;
    const [from, to] = [Math.floor(steps[i]! / width), Math.floor(next / width)];
    for (let column = from; column < to; column++) {
      const edge = (column + 1) * width;
      const share = (edge - steps[i]!) / (next - steps[i]!);
      const value = values[i]! + share * (values[i + 1]! - values[i]!);
      cover(column, value);
      cover(column + 1, value);
    }
  }
  return pixels;
}

const withoutGaps = ({ steps, values }: Points): Points => {
  const kept = Array.from(steps, (step, i) => ({ step, value: values[i]! })).filter(({ value }) =>
    Number.isFinite(value),
  );
  return { steps: kept.map(({ step }) => step), values: kept.map(({ value }) => value) };
};

describe('thin', () => {
  it('keeps points of the curve alone: the first, the last, the least and the greatest of each column', () => {
    fc.assert(
      fc.property(points, widths, (all, width) => {
        const curve = thin(all, width);
        const given = new Map(Array.from(all.steps, (step, i) => [step, all.values[i]!]));
        for (const [i, step] of curve.steps.entries()) expect(curve.values[i]).toBe(given.get(step));
        const kept = columnsOf(curve, width);
        for (const [column, indices] of columnsOf(all, width)) {
          const at = kept.get(column)!;
          expect(curve.steps[at[0]!]).toBe(all.steps[indices[0]!]);
          expect(curve.steps[at.at(-1)!]).toBe(all.steps[indices.at(-1)!]);
          const before = finiteOf(indices.map((i) => all.values[i]!));
          const after = finiteOf(at.map((i) => curve.values[i]!));
          expect(Math.min(...after)).toBe(Math.min(...before));
          expect(Math.max(...after)).toBe(Math.max(...before));
          expect(at.length).toBeLessThanOrEqual(5);
          expect(at.some((i) => !Number.isFinite(curve.values[i]!))).toBe(before.length < indices.length);
        }
      }),
    );
  });

  it('covers the pixels of the whole line where a column is a pixel', () => {
    fc.assert(
      fc.property(points, widths, (all, width) => {
        const line = withoutGaps(all);
        expect(pixelsOf(thin(line, width), width)).toEqual(pixelsOf(line, width));
      }),
    );
  });

  it('would miss pixels if it kept the means alone', () => {
    const line = { steps: [0, 1, 2, 3], values: [0, 9, -9, 0] };
    const { means } = thin(line, 4);
    expect(pixelsOf(means, 4)).not.toEqual(pixelsOf(line, 4));
  });

  it('keeps every point with a width of 1', () => {
    fc.assert(
      fc.property(points, (all) => {
        const { steps, values } = thin(all, 1);
        expect([...steps]).toEqual([...(all.steps as number[])]);
        expect([...values]).toEqual([...(all.values as number[])]);
      }),
    );
  });

  it('has the mean of finite values of each column', () => {
    const { means } = thin({ steps: [1, 2, 3, 5], values: [1, 2, Number.NaN, 4] }, 4);
    expect(means.counts).toEqual(Float64Array.of(2, 1));
    expect(means.values).toEqual(Float64Array.of(1.5, 4));
    expect(means.steps).toEqual(Float64Array.of(1.5, 5));
  });

  it('keeps the neighbours of a window, so that a line reaches its edges', () => {
    const steps = [0, 10, 20, 30, 40, 50];
    const curve = thin({ steps, values: steps }, 1, { from: 15, to: 35 });
    expect([...curve.steps]).toEqual([10, 20, 30, 40]);
  });
});

describe('extend', () => {
  const isNear = (a: Float64Array, b: Float64Array): void => {
    expect(a.length).toBe(b.length);
    for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i]!, 6);
  };

  /** Means are sums in another order; points are the same. */
  function expectSame(a: Curve, b: Curve): void {
    expect([...a.steps]).toEqual([...b.steps]);
    expect([...a.values]).toEqual([...b.values]);
    expect(a.means.counts).toEqual(b.means.counts);
    isNear(a.means.values, b.means.values);
    isNear(a.means.steps, b.means.steps);
  }

  it('gives what thinning all points gives, wherever they were cut', () => {
    fc.assert(
      fc.property(points, widths, fc.nat(200), (all, width, cut) => {
        const part = (begin: number, end?: number): Points => ({
          steps: Array.from(all.steps).slice(begin, end),
          values: Array.from(all.values).slice(begin, end),
        });
        expectSame(extend(thin(part(0, cut), width), part(cut)), thin(all, width));
      }),
    );
  });

  it('thins further as thinning all points would', () => {
    fc.assert(
      fc.property(points, (all) => {
        const none = { steps: [], values: [] };
        expectSame(extend(extend(thin(all, 2), none, 4), none, 16), thin(all, 16));
      }),
    );
  });

  it('leaves out steps that the curve has', () => {
    const curve = thin({ steps: [1, 2], values: [5, 6] }, 1);
    const longer = extend(curve, { steps: [2, 3], values: [7, 8] });
    expect([...longer.values]).toEqual([5, 6, 8]);
  });
});

describe('widthFor', () => {
  it('is the least power of two with so many columns at most', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.nat(100_000),
        fc.integer({ min: 1, max: 2_000 }),
        (from, length, columns) => {
          const width = widthFor(from, from + length, columns);
          const count = (of: number): number => Math.floor((from + length) / of) - Math.floor(from / of) + 1;
          // Two columns can lie on both sides of a power of two, however wide they are.
          if (columns > 1) expect(count(width)).toBeLessThanOrEqual(columns);
          if (width > 1) expect(count(width / 2)).toBeGreaterThan(columns);
        },
      ),
    );
  });
});

it('computes means that were left out', () => {
  const curve = thin({ steps: [1, 2], values: [5, Number.NaN] }, 1);
  const sent = { ...curve, means: thin({ steps: [], values: [] }, 1).means };
  expect(withMeans(sent)).toEqual(curve);
});

it('finds the first step that is not less', () => {
  expect([0, 1, 2, 3, 9].map((step) => lowerBound([1, 3, 5], step))).toEqual([0, 0, 1, 1, 3]);
});
