import { describe, expect, it } from 'vitest';
import { type Histogram, histogram, histogramEdges } from './histogram.ts';

const least = 2 ** -40;

/** The bins of the elements of an array, found by their edges alone. */
function counted(x: Float32Array, { first, counts }: Histogram): number[] {
  const edges = histogramEdges({ first, counts });
  return counts.map((_, i) => {
    const [low, high] = [edges[i]!, edges[i + 1]!];
    const isIn = (value: number): boolean => {
      if (low < 0 && high > 0) return value > low && value < high;
      return low > 0 ? value >= low && value < high : value > low && value <= high;
    };
    return x.filter(isIn).length;
  });
}

describe('a histogram', () => {
  it('counts numbers between the edges of its bins', () => {
    const x = Float32Array.from({ length: 4_001 }, (_, i) => ((i * 7919) % 4001) / 1000 - 2);
    const of = histogram(x);
    expect(of.counts).toEqual(counted(x, of));
    expect(of.counts.reduce((sum, count) => sum + count)).toBe(x.length);
    expect(of).toMatchObject({ count: 4_001, min: -2, max: 2 });
    expect(of.sumOfSquares).toBe(x.reduce((sum, value) => sum + value * value, 0));
  });

  it('has two bins in each power of two, mirrored at 0', () => {
    const of = histogram(new Float32Array([-1.5, -1, 0, 1, 1.25, 1.5, 1.75, 2]));
    const edges = histogramEdges(of);
    const above = edges.indexOf(1);
    expect(edges.slice(above)).toEqual([1, 1.5, 2, 3]);
    expect(of.counts.slice(above)).toEqual([2, 2, 1]);
    const below = edges.indexOf(-1.5);
    // A negative bin includes its upper edge: −1.5 is in the bin that ends there, as 1.5 is in the bin that begins there.
    expect(of.counts.slice(0, below + 1)).toEqual([1, 1]);
    expect(edges.every((edge, i) => i === 0 || edge > edges[i - 1]!)).toBe(true);
  });

  it('has one bin of all magnitudes below 2⁻⁴⁰', () => {
    const tiny = [0, -0, 1e-45, -1e-45, least * (1 - 2 ** -23), -least * (1 - 2 ** -23)];
    expect(histogram(new Float32Array(tiny))).toMatchObject({ first: 0, counts: [6] });
    expect(histogram(new Float32Array([least]))).toMatchObject({ first: 1, counts: [1] });
    expect(histogram(new Float32Array([-least]))).toMatchObject({ first: -1, counts: [1] });
    expect(histogramEdges({ first: -1, counts: [1, 0, 1] })).toEqual([
      -1.5 * least,
      -least,
      least,
      1.5 * least,
    ]);
  });

  it('leaves numbers that are not finite out of everything but their own count', () => {
    const greatest = (2 - 2 ** -23) * 2 ** 127;
    const of = histogram(new Float32Array([Number.NaN, 1, Number.NEGATIVE_INFINITY, 3, Infinity, greatest]));
    expect(of).toMatchObject({ count: 6, nonFinite: 3, min: 1, max: greatest });
    expect(histogramEdges(of).at(-1)).toBe(2 ** 128);
    expect(histogram(new Float32Array([Number.NaN]))).toEqual({
      ...{ count: 1, nonFinite: 1, min: 0, max: 0, sum: 0, sumOfSquares: 0, first: 0, counts: [] },
    });
  });

  it('of no element is empty, and survives JSON as every other', () => {
    const empty = histogram(new Float32Array());
    expect(empty).toEqual({ count: 0, min: 0, max: 0, sum: 0, sumOfSquares: 0, first: 0, counts: [] });
    expect(histogramEdges(empty)).toEqual([]);
    for (const of of [empty, histogram(new Float32Array([-0])), histogram(new Float32Array([-1, 0.1]))]) {
      expect(JSON.parse(JSON.stringify(of))).toEqual(of);
    }
  });
});
