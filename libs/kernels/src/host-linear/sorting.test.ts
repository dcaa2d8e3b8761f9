import { describe, expect, it } from 'vitest';
import { argSort, lastPlaces, searchSorted } from './sorting.ts';

function sorted(values: readonly number[], descending = false): number[] {
  const out = new Int32Array(values.length);
  argSort(out, Float64Array.from(values), { rows: 1, size: values.length, descending });
  return [...out];
}

describe('argSort', () => {
  it('keeps the order of equal elements, ascending and descending', () => {
    expect(sorted([2, 1, 2, 1, 3])).toEqual([1, 3, 0, 2, 4]);
    expect(sorted([2, 1, 2, 1, 3], true)).toEqual([4, 0, 2, 1, 3]);
  });
  it('treats −0 as 0 and NaN as the largest', () => {
    expect(sorted([0, -0, 0])).toEqual([0, 1, 2]);
    expect(sorted([Number.NaN, Number.POSITIVE_INFINITY, Number.NaN, -1])).toEqual([3, 1, 0, 2]);
    expect(sorted([1, Number.NaN, Number.POSITIVE_INFINITY], true)).toEqual([1, 2, 0]);
  });
  it('sorts each row separately', () => {
    const out = new Int32Array(6);
    argSort(out, Float32Array.of(3, 1, 2, 1, 2, 3), { rows: 2, size: 3, descending: false });
    expect([...out]).toEqual([1, 2, 0, 0, 1, 2]);
  });
});

describe('searchSorted', () => {
  const places = (side: 'left' | 'right', values: readonly number[]): number[] => {
    const out = new Int32Array(values.length);
    const attrs = { rows: 1, size: 5, count: values.length, side };
    searchSorted(out, Float64Array.of(1, 2, 2, 2, Number.NaN), Float64Array.from(values), attrs);
    return [...out];
  };
  it('finds the first and the last place that keep the order', () => {
    expect(places('left', [0, 1, 2, 3])).toEqual([0, 0, 1, 4]);
    expect(places('right', [0, 1, 2, 3])).toEqual([0, 1, 4, 4]);
  });
  it('inserts NaN beside other NaNs', () => {
    expect([...places('left', [Number.NaN]), ...places('right', [Number.NaN])]).toEqual([4, 5]);
  });
});

it('lastPlaces gives the last place that names a row, or −1', () => {
  const out = new Int32Array(4);
  lastPlaces(out, Int32Array.of(1, 3, 1, -1, 4));
  expect([...out]).toEqual([-1, 2, -1, 1]);
});
