/**
 * Sorting and searching, the same for every backend: plain loops with integer results. NaN counts as larger than every
 * number and equal to itself; −0 equals 0.
 */
import type { TypedArray } from '@lockstep/tensor';

/** Negative if a comes before b in ascending order, 0 if neither does. */
function order(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** out `[rows, size]` = for each row of x the places of its elements in sorted order; equal elements keep their order. */
export function argSort(
  out: Int32Array,
  x: TypedArray,
  { rows, size, descending }: { rows: number; size: number; descending: boolean },
): void {
  for (let row = 0; row < rows; row++) {
    const places = out.subarray(row * size, (row + 1) * size);
    const values = x.subarray(row * size, (row + 1) * size);
    for (let i = 0; i < size; i++) places[i] = i;
    places.sort((i, j) => {
      const before = order(values[i]!, values[j]!);
      return (descending ? -before : before) || i - j;
    });
  }
}

/**
 * out `[rows, count]` = the place at which each value would be inserted into its ascending row of `sorted [rows, size]`:
 * before equal elements ('left') or after them ('right').
 */
export function searchSorted(
  out: Int32Array,
  sorted: TypedArray,
  values: TypedArray,
  { rows, size, count, side }: { rows: number; size: number; count: number; side: 'left' | 'right' },
): void {
  const least = side === 'left' ? 0 : 1;
  for (let i = 0; i < rows * count; i++) {
    const start = Math.floor(i / count) * size;
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(sorted[start + middle]!, values[i]!) < least) low = middle + 1;
      else high = middle;
    }
    out[i] = low;
  }
}

/** out `[rows]` = for each row the last place in `indices` with its number, or −1. */
export function lastPlaces(out: Int32Array, indices: Int32Array): void {
  out.fill(-1);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    if (row >= 0 && row < out.length) out[row] = i;
  }
}
