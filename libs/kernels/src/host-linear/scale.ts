/** Scales matrices to magnitudes near 1, so that sums of squares neither overflow nor vanish. Powers of two do not round. */
import type { TypedArray } from '@lockstep/tensor';
import { exponentOf, SMALLEST_NORMAL, scaled } from '../host/doubles.ts';

/** The largest magnitude, or NaN if an element is NaN. */
export function largestOf(x: Float64Array): number {
  let largest = 0;
  for (const value of x) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/**
 * Writes the elements of a from `start` on times a power of two to `room` and returns the power. It is 1 unless squares
 * would overflow or underflow. All of `room` is NaN if an element is not finite.
 */
export function load(room: Float64Array, a: TypedArray, start: number): number {
  for (let i = 0; i < room.length; i++) room[i] = a[start + i]!;
  const largest = largestOf(room);
  if (!Number.isFinite(largest)) {
    room.fill(Number.NaN);
    return 1;
  }
  if (largest === 0 || (largest > 2 ** -400 && largest < 2 ** 400)) return 1;
  // Denormal numbers are scaled only partly, but more than their squares need.
  const scale = scaled(1, -Math.max(exponentOf(Math.max(largest, SMALLEST_NORMAL)), -1000));
  for (let i = 0; i < room.length; i++) room[i]! *= scale;
  return scale;
}
