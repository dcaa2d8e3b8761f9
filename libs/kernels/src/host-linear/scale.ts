/** Matrices brought near 1, so that sums of squares neither overflow nor vanish: by a power of two, which rounds nothing. */
import type { TypedArray } from '@lockstep/tensor';
import { exponentOf, SMALLEST_NORMAL, scaled } from '../host/doubles.ts';

/** The largest magnitude, NaN if there is one. */
export function largestOf(x: Float64Array): number {
  let largest = 0;
  for (const value of x) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/**
 * room := the elements of a from `start` on times a power of two, which it gives: 1 unless their squares would leave the
 * range of numbers. All NaN if one of them is not finite.
 */
export function load(room: Float64Array, a: TypedArray, start: number): number {
  for (let i = 0; i < room.length; i++) room[i] = a[start + i]!;
  const largest = largestOf(room);
  if (!Number.isFinite(largest)) {
    room.fill(Number.NaN);
    return 1;
  }
  if (largest === 0 || (largest > 2 ** -400 && largest < 2 ** 400)) return 1;
  // Of denormal numbers only a part of the way is gone: further than their squares need.
  const scale = scaled(1, -Math.max(exponentOf(Math.max(largest, SMALLEST_NORMAL)), -1000));
  for (let i = 0; i < room.length; i++) room[i]! *= scale;
  return scale;
}
