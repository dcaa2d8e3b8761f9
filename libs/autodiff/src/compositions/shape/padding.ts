/** Borders around an array: constant, edge, mirrored or periodic. */

import { aNumber, either, LockstepError, listOf, oneOf, type Rules, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { filled } from '../../convert.ts';
import { aTensor } from '../../kinds.ts';
import { beside } from '../../numbers.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { padZeros } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { take } from './taking.ts';

export interface PadOptions {
  /**
   * The border's elements. 'constant': `value`. 'edge': the outermost element. 'reflect': the array mirrored at its
   * outermost element, which is not repeated. 'wrap': the array repeated. Default 'constant'.
   */
  readonly mode?: 'constant' | 'edge' | 'reflect' | 'wrap';
  /** The border's value in mode 'constant'. Default 0. */
  readonly value?: number;
}

export const padRules: Rules<PadOptions> = {
  mode: oneOf('constant', 'edge', 'reflect', 'wrap'),
  value: aNumber,
};

const someWidths = either(
  aNumber,
  listOf(listOf(aNumber, '[before, after]', 2), 'a list of [before, after], one for each axis'),
);
const checkPad = signature('pad', { x: aTensor, widths: someWidths }, padRules);

/** x with a border of `[before, after]` elements along each axis, or of the same number on all sides. */
export function pad(
  x: Tensor,
  widths: number | readonly (readonly [number, number])[],
  options: PadOptions = {},
): Tensor {
  checkPad(x, widths, options);
  const { mode = 'constant', value = 0 } = options;
  const sides = typeof widths === 'number' ? x.shape.map(() => [widths, widths] as const) : widths;
  if (sides.length !== x.rank || !sides.flat().every((width) => Number.isInteger(width) && width >= 0)) {
    throw new LockstepError(
      'shape',
      `pad: needs one [before, after] ≥ 0 for each of the ${x.rank} axes of ${formatShape(x.shape)}`,
      { op: 'pad', shape: x.shape, widths },
    );
  }
  if (mode === 'constant' && value === 0) return padZeros(x, sides);
  return sides.reduce((y, [before, after], axis) => {
    if (before + after === 0) return y;
    if (mode === 'constant') {
      const band = (width: number): Tensor =>
        filled(y.shape.with(axis, width), value, y.dtype, beside('pad'));
      return concatenate([band(before), y, band(after)], axis);
    }
    return take(y, borderIndices(x, axis, before, after, mode), axis);
  }, x);
}

/** The index in the array of each element of a padded axis. */
function borderIndices(
  x: Tensor,
  axis: number,
  before: number,
  after: number,
  mode: 'edge' | 'reflect' | 'wrap',
): number[] {
  const length = x.shape[axis]!;
  if (length === 0) {
    throw new LockstepError(
      'shape',
      `pad: axis ${axis} of ${formatShape(x.shape)} is empty, and mode '${mode}' has nothing to repeat; use mode 'constant'`,
      { op: 'pad', shape: x.shape, axis, mode },
    );
  }
  return Array.from({ length: before + length + after }, (_, i) => sourceOf(i - before, length, mode));
}

function sourceOf(place: number, length: number, mode: 'edge' | 'reflect' | 'wrap'): number {
  switch (mode) {
    case 'edge':
      return Math.min(Math.max(place, 0), length - 1);
    case 'wrap':
      return modulo(place, length);
    case 'reflect': {
      const period = Math.max(1, 2 * (length - 1));
      const at = modulo(place, period);
      return at < length ? at : period - at;
    }
    default:
      return mode satisfies never;
  }
}

const modulo = (a: number, n: number): number => ((a % n) + n) % n;
