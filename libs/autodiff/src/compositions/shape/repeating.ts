/** Elements repeated, shifted and rotated. */

import { aNumber, LockstepError, listOf, signature } from '@lockstep/errors';
import { normalizeAxis } from '@lockstep/tensor';
import { anAxis, aTensor, numberOrList } from '../../kinds.ts';
import { broadcastInAxes } from '../../primitives/reduce/sum.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { flip, slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';
import { ravel, swapAxes } from './axes.ts';
import { take } from './taking.ts';

const checkTile = signature('tile', { x: aTensor, counts: numberOrList });

/** Copies of x side by side, `counts` along each axis. The counts align with the last axes; missing ones are 1. */
export function tile(x: Tensor, counts: number | readonly number[]): Tensor {
  checkTile(x, counts);
  const list = typeof counts === 'number' ? [counts] : counts;
  requireCounts('tile', list);
  const rank = Math.max(x.rank, list.length);
  const lengths = [...new Array<number>(rank - x.rank).fill(1), ...x.shape];
  const copies = [...new Array<number>(rank - list.length).fill(1), ...list];
  const repeated = broadcastInAxes(
    reshape(x, lengths),
    lengths.flatMap((length, axis) => [copies[axis]!, length]),
    lengths.map((_, axis) => 2 * axis + 1),
  );
  return reshape(
    repeated,
    lengths.map((length, axis) => copies[axis]! * length),
  );
}

const checkRepeat = signature('repeat', { x: aTensor, counts: numberOrList, 'axis?': anAxis });

/**
 * Each element `counts` times in a row along `axis`: one count for all elements, or a count for each. Without an axis,
 * x is flattened first.
 */
export function repeat(x: Tensor, counts: number | readonly number[], axis?: number): Tensor {
  checkRepeat(x, counts, axis);
  if (axis === undefined) return repeat(ravel(x), counts, 0);
  const along = normalizeAxis('repeat', axis, x.rank);
  const length = x.shape[along]!;
  requireCounts('repeat', typeof counts === 'number' ? [counts] : counts);
  if (typeof counts === 'number') {
    const lengths = [...x.shape.slice(0, along + 1), counts, ...x.shape.slice(along + 1)];
    const kept = lengths.map((_, i) => i).filter((i) => i !== along + 1);
    return reshape(broadcastInAxes(x, lengths, kept), x.shape.with(along, length * counts));
  }
  if (counts.length !== length) {
    throw new LockstepError(
      'argument',
      `repeat: ${counts.length} counts for the ${length} elements along axis ${along}; give one for each, or a number`,
      { op: 'repeat', counts, axis: along },
    );
  }
  return take(
    x,
    counts.flatMap((count, i) => new Array<number>(count).fill(i)),
    along,
  );
}

function requireCounts(op: string, counts: readonly number[]): void {
  if (counts.every((count) => Number.isInteger(count) && count >= 0)) return;
  throw new LockstepError('argument', `${op}: counts are whole and ≥ 0, not ${counts.join(', ')}`, {
    op,
    counts,
  });
}

const checkRoll = signature('roll', { x: aTensor, shift: numberOrList, 'axis?': numberOrList });

/**
 * Elements shifted by `shift` places; elements that leave at one end come back at the other. Without an axis, x counts
 * as flat. Several axes take one shift each, or the same shift.
 */
export function roll(
  x: Tensor,
  shift: number | readonly number[],
  axis?: number | readonly number[],
): Tensor {
  checkRoll(x, shift, axis);
  if (axis === undefined) {
    if (typeof shift === 'number') return reshape(roll(ravel(x), shift, 0), x.shape);
    throw new LockstepError('argument', 'roll: several shifts need as many axes; name the axes', {
      op: 'roll',
      shift,
    });
  }
  const axes = typeof axis === 'number' ? [axis] : axis;
  const shifts = typeof shift === 'number' ? axes.map(() => shift) : shift;
  if (shifts.length !== axes.length || !shifts.every(Number.isInteger)) {
    throw new LockstepError(
      'argument',
      `roll: shifts [${shifts.join(', ')}] for axes [${axes.join(', ')}]; give one whole number for each axis`,
      { op: 'roll', shift, axis },
    );
  }
  return axes.reduce((y, a, i) => rollAlong(y, shifts[i]!, normalizeAxis('roll', a, x.rank)), x);
}

function rollAlong(x: Tensor, shift: number, axis: number): Tensor {
  const length = x.shape[axis]!;
  const last = length === 0 ? 0 : ((shift % length) + length) % length;
  if (last === 0) return x;
  const start = x.shape.map(() => 0).with(axis, length - last);
  return concatenate([slice(x, start), slice(x, [], x.shape.with(axis, length - last))], axis);
}

const checkRot90 = signature('rot90', {
  x: aTensor,
  'quarters?': aNumber,
  'axes?': listOf(aNumber, 'two axes', 2),
});

/** x rotated by `quarters` quarter turns in the plane of two axes, from the first towards the second. */
export function rot90(x: Tensor, quarters = 1, axes: readonly [number, number] = [0, 1]): Tensor {
  checkRot90(x, quarters, axes);
  const [a, b] = [normalizeAxis('rot90', axes[0], x.rank), normalizeAxis('rot90', axes[1], x.rank)];
  if (a === b || !Number.isInteger(quarters)) {
    throw new LockstepError(
      'argument',
      `rot90: ${quarters} quarter turns in the plane of axes ${a} and ${b}; give a whole number of turns and two different axes`,
      { op: 'rot90', quarters, axes },
    );
  }
  const turns = ((quarters % 4) + 4) % 4;
  if (turns === 0) return x;
  if (turns === 2) return flip(x, [a, b]);
  return turns === 1 ? swapAxes(flip(x, b), a, b) : flip(swapAxes(x, a, b), b);
}
