/** Windows that slide over the axes of an image: the geometry that convolution and pooling share. */
import { LockstepError } from '@lockstep/errors';
import { formatShape, type Shape } from '@lockstep/tensor';
import type { Tensor } from '../../tensor.ts';
import { add } from '../elementwise/fusible.ts';
import { padZeros, slice } from '../shape/slicing.ts';

/** One length for both axes, or [down, across]. */
export type Size = number | readonly [number, number];

/**
 * 'same': output = ceil(input / stride), the odd zero at the end. 'valid': no padding. A number: as many zeros on every
 * side. Or [[top, bottom], [left, right]].
 */
export type Padding = 'same' | 'valid' | number | readonly [Sides, Sides];

/** [before, after] along one axis. */
export type Sides = readonly [number, number];

/** The padding of a sequence: like {@link Padding}, with one pair. */
export type Padding1d = 'same' | 'valid' | number | Sides;

export const pair = (value: Size): readonly [number, number] =>
  typeof value === 'number' ? [value, value] : value;

/** The padding of an image of height 1 that stands for a sequence. */
export function besides(padding: Padding1d): Padding {
  if (typeof padding === 'string') return padding;
  return [[0, 0], typeof padding === 'number' ? [padding, padding] : padding];
}

/** Two whole lengths of at least `least`. */
export function requireLengths(
  op: string,
  name: string,
  value: Size,
  least: number,
): readonly [number, number] {
  const lengths = pair(value);
  if (lengths.length === 2 && lengths.every((length) => Number.isInteger(length) && length >= least))
    return lengths;
  throw new LockstepError(
    'argument',
    `${op}: ${name} is ${formatShape(lengths)}; use a whole number ≥ ${least}, or two of them`,
    { op, [name]: lengths },
  );
}

/** The length from a window's first to its last element. */
export const extentOf = (window: number, dilation: number): number => (window - 1) * dilation + 1;

export const outputLength = (input: number, extent: number, stride: number, [before, after]: Sides): number =>
  Math.floor((input + before + after - extent) / stride) + 1;

/** Padding along one axis such that ceil(input / stride) windows fit. */
function sidesOfSame(input: number, extent: number, stride: number): Sides {
  const total = Math.max(0, (Math.ceil(input / stride) - 1) * stride + extent - input);
  return [total >> 1, total - (total >> 1)];
}

/** Explicit padding for images [B, H, W, C] under windows of the given extents. */
export function resolvePadding(
  op: string,
  padding: Padding,
  x: Shape,
  extents: readonly [number, number],
  strides: readonly [number, number],
): readonly [Sides, Sides] {
  if (padding === 'same')
    return [sidesOfSame(x[1]!, extents[0], strides[0]), sidesOfSame(x[2]!, extents[1], strides[1])];
  return explicitPadding(op, padding);
}

/** Padding given by 'valid' or numbers. */
export function explicitPadding(op: string, padding: Exclude<Padding, 'same'>): readonly [Sides, Sides] {
  if (padding === 'valid') return explicitPadding(op, 0);
  const sides: readonly [Sides, Sides] =
    typeof padding === 'number'
      ? [
          [padding, padding],
          [padding, padding],
        ]
      : padding;
  const lengths = sides.flat();
  if (lengths.length === 4 && lengths.every((length) => Number.isInteger(length) && length >= 0))
    return sides;
  throw new LockstepError(
    'argument',
    `${op}: padding is ${JSON.stringify(padding)}; use 'same', 'valid', a whole number ≥ 0 or [[top, bottom], [left, right]]`,
    { op, padding },
  );
}

/** The element at `place` of each window, from images [B, H, W, C]: [B, ..outputs, C] */
export function tapOf(
  x: Tensor,
  place: readonly [number, number],
  strides: readonly [number, number],
  outputs: readonly [number, number],
): Tensor {
  const last = (axis: 0 | 1): number => place[axis] + (outputs[axis] - 1) * strides[axis];
  return slice(x, [0, ...place], [x.shape[0]!, last(0) + 1, last(1) + 1], [1, ...strides]);
}

/** The places of a window's elements, row by row. */
export function tapsOf(
  window: readonly [number, number],
  dilation: readonly [number, number],
): (readonly [number, number])[] {
  return Array.from({ length: window[0] * window[1] }, (_, tap) => [
    Math.floor(tap / window[1]) * dilation[0],
    (tap % window[1]) * dilation[1],
  ]);
}

/** Images [B, H, W, C] with zeros around them. */
export const padImages = (x: Tensor, [down, across]: readonly [Sides, Sides]): Tensor =>
  padZeros(x, [[0, 0], down, across, [0, 0]]);

/** The sum, in the order of the list. */
export const addAll = (terms: readonly Tensor[]): Tensor => terms.reduce((total, term) => add(total, term));
