/** Elements and subarrays by an index for each axis. */
import { anything, describeValue, LockstepError, signature } from '@lockstep/errors';
import { formatShape } from '@lockstep/tensor';
import { aTensor } from '../../kinds.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { type Position, slice } from '../../primitives/shape/slicing.ts';
import { Tensor } from '../../tensor.ts';
import { take } from './taking.ts';

/**
 * An index of one axis: an element, a range `[start, end]` or `[start, end, step]`, null for the whole axis, '...' for
 * all axes between, or an int32 or uint32 tensor, whose elements may be known only while a program runs.
 */
export type Index =
  | number
  | Tensor
  | null
  | '...'
  | readonly [Position, Position]
  | readonly [Position, Position, number];

type AxisIndex = Exclude<Index, '...'>;

const possible =
  "an index is a whole number, null for the whole axis, '...' for all axes between, a range [start, end] or [start, end, step], or an int32 tensor";

const checkAt = signature('at', { x: aTensor, '...index': anything });

/**
 * Elements and subarrays by an index for each of the first axes: `x.at(0)`, `x.at(1, [0, 2])`, `x.at('...', -1)`,
 * `x.at([null, null, -1])`. A number removes its axis; a range, null or '...' keeps it. Negative positions count from
 * the end, and a position outside the axis is an error.
 *
 * A tensor of integers works as in {@link take}. A scalar removes its axis, so `x.at(i)` is the element of a loop's
 * turn. The shape of any other tensor replaces the axis; it must be the only tensor among the indices. The elements of
 * a tensor are known only when they are used: an index outside the axis gives NaN (0 for integers).
 * @throws LockstepError `argument`, `dtype` or `shape` for an index of another kind, or one too many.
 */
export function at(x: Tensor, ...index: readonly Index[]): Tensor {
  checkAt(x, ...index);
  const full = withoutDots(x, index);
  for (const [axis, i] of full.entries()) requireIndex(x, axis, i);
  const tensors = full.flatMap((i, axis) => (i instanceof Tensor ? [{ axis, indices: i }] : []));
  requireOneList(x, tensors);
  const part = sliced(x, full);
  const isGone = (axis: number): boolean => typeof full[axis] === 'number';
  const kept = reshape(
    part,
    part.shape.filter((_, axis) => !isGone(axis)),
  );
  // From the last axis to the first, so that the numbers of the axes before do not change.
  return tensors.reduceRight((y, { axis, indices }) => {
    const numGone = full.slice(0, axis).filter((i) => typeof i === 'number').length;
    return take(y, indices, axis - numGone);
  }, kept);
}

/** The slice for all indices, with numbers as ranges of one element. */
function sliced(x: Tensor, full: readonly AxisIndex[]): Tensor {
  const ranges = full.map((i): readonly [Position, Position, number?] => {
    if (typeof i === 'number') return i === -1 ? [-1, null] : [i, i + 1];
    return i === null || i instanceof Tensor ? [null, null] : i;
  });
  if (full.length > 0 && full.every((i) => i instanceof Tensor)) return x;
  return slice(
    x,
    ranges.map(([start]) => start),
    ranges.map(([, end]) => end),
    ranges.map(([, , step]) => step ?? 1),
  );
}

/** The index with '...' written out as whole axes. */
function withoutDots(x: Tensor, index: readonly Index[]): readonly AxisIndex[] {
  const dots = index.indexOf('...');
  if (dots !== index.lastIndexOf('...')) {
    throw new LockstepError('argument', "at: '...' may occur once; write the other axes as null", {
      op: 'at',
      index: index.map(describeValue),
    });
  }
  const given = index.length - (dots === -1 ? 0 : 1);
  if (given > x.rank) {
    throw new LockstepError(
      'shape',
      `at: index ${describeValue(index.at(-1))} does not exist along axis ${given - 1} of ${formatShape(x.shape)}; give at most one index for each axis`,
      { op: 'at', shape: x.shape, index: index.map(describeValue) },
    );
  }
  if (dots === -1) return index as readonly AxisIndex[];
  const between = new Array<null>(x.rank - given).fill(null);
  return [...index.slice(0, dots), ...between, ...index.slice(dots + 1)] as readonly AxisIndex[];
}

function requireIndex(x: Tensor, axis: number, i: unknown): void {
  const length = x.shape[axis]!;
  if (typeof i === 'number' && Number.isInteger(i)) {
    if (i >= -length && i < length) return;
    const places = length === 0 ? 'which is empty' : `which has places ${-length} … ${length - 1}`;
    throw new LockstepError(
      'shape',
      `at: index ${i} does not exist along axis ${axis} of ${formatShape(x.shape)}, ${places}`,
      { op: 'at', shape: x.shape, axis, index: i },
    );
  }
  if (i instanceof Tensor) requireIntegers(axis, i);
  else if (i === null || (Array.isArray(i) && isRange(i))) return;
  else throw noIndex(axis, i);
}

const noIndex = (axis: number, i: unknown): LockstepError =>
  new LockstepError('argument', `at: ${describeValue(i)} is not an index of axis ${axis}; ${possible}`, {
    op: 'at',
    axis,
  });

const isPosition = (end: unknown): boolean => end === null || Number.isInteger(end);

const isRange = ([start, end, ...step]: readonly unknown[]): boolean =>
  isPosition(start) &&
  isPosition(end) &&
  step.length < 2 &&
  step.every((s) => Number.isInteger(s) && s !== 0);

function requireIntegers(axis: number, { dtype, shape }: Tensor): void {
  if (dtype === 'int32' || dtype === 'uint32') return;
  const remedy =
    dtype === 'bool' ? 'a mask selects with compress() or where()' : "convert it with .cast('int32')";
  throw new LockstepError(
    'dtype',
    `at: the index of axis ${axis} is ${dtype}${formatShape(shape)}; a tensor of indices is int32 or uint32: ${remedy}`,
    { op: 'at', axis, dtype },
  );
}

/**
 * NumPy pairs several lists of indices element by element and moves axes. That is refused here: `take` and `gather` are
 * explicit.
 */
function requireOneList(x: Tensor, tensors: readonly { axis: number; indices: Tensor }[]): void {
  const list = tensors.find(({ indices }) => indices.rank > 0);
  if (list === undefined || tensors.length === 1) return;
  throw new LockstepError(
    'argument',
    `at: the index of axis ${list.axis} of ${formatShape(x.shape)} has shape ${formatShape(list.indices.shape)} and is not the only tensor; with several tensors each must be a scalar: take from one axis after the other, or compute places in the flat array and take(x, places)`,
    { op: 'at', axis: list.axis, shape: x.shape },
  );
}
