/** Arrays joined along rows and columns, and split again. */

import { aNumber, either, LockstepError, listOf, signature, whole } from '@lockstep/errors';
import { formatShape, normalizeAxis } from '@lockstep/tensor';
import { asTensors, type TensorLike } from '../../convert.ts';
import { anAxis, aTensor, tensorLike } from '../../kinds.ts';
import { concatenate } from '../../primitives/shape/concatenate.ts';
import { reshape } from '../../primitives/shape/reshape.ts';
import { slice } from '../../primitives/shape/slicing.ts';
import type { Tensor } from '../../tensor.ts';

const checkHstack = signature('hstack', { xs: listOf(tensorLike, 'a list of tensors') });

/** Joins arrays side by side: along axis 1, but vectors and scalars along axis 0. */
export function hstack(xs: readonly TensorLike[]): Tensor {
  checkHstack(xs);
  const tensors = asTensors('hstack', ...xs).map((x) => (x.rank === 0 ? reshape(x, [1]) : x));
  return concatenate(tensors, (tensors[0]?.rank ?? 1) > 1 ? 1 : 0);
}

const checkVstack = signature('vstack', { xs: listOf(tensorLike, 'a list of tensors') });

/** Joins arrays one below the other, along axis 0; vectors and scalars count as rows. */
export function vstack(xs: readonly TensorLike[]): Tensor {
  checkVstack(xs);
  const tensors = asTensors('vstack', ...xs);
  return concatenate(tensors.map((x) => (x.rank < 2 ? reshape(x, [1, x.size]) : x)));
}

/** Only the op knows how many pieces are possible. */
const someParts = either(aNumber, listOf(whole(), 'a list of whole positions'));
const checkSplit = signature('split', { x: aTensor, parts: someParts, 'axis?': anAxis });

/** Splits x into `parts` equal pieces along `axis`, or into the pieces between the given positions. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  checkSplit(x, parts, axis);
  const along = normalizeAxis('split', axis, x.rank);
  requireParts('split', parts);
  if (typeof parts === 'number' && x.shape[along]! % parts !== 0) {
    throw new LockstepError(
      'shape',
      `split: axis ${along} of ${formatShape(x.shape)} cannot be split into ${parts} equal pieces; use arraySplit for unequal ones`,
      { op: 'split', shape: x.shape, parts, axis: along },
    );
  }
  return arraySplit(x, parts, along);
}

const checkArraySplit = signature('arraySplit', { x: aTensor, parts: someParts, 'axis?': anAxis });

/** Like {@link split}, but if the length is not divisible by `parts`, the first pieces are longer by one. */
export function arraySplit(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  checkArraySplit(x, parts, axis);
  const along = normalizeAxis('arraySplit', axis, x.rank);
  requireParts('arraySplit', parts);
  const length = x.shape[along]!;
  const ends =
    typeof parts === 'number' ? evenEnds(length, parts) : [...parts.map((at) => within(at, length)), length];
  const pieces = ends.map((end, i) => [i === 0 ? 0 : ends[i - 1]!, end] as const);
  return cut(x, along, pieces);
}

function requireParts(op: string, parts: number | readonly number[]): void {
  if (typeof parts !== 'number' || (Number.isInteger(parts) && parts >= 1)) return;
  throw new LockstepError('argument', `${op}: ${parts} pieces; use a whole number ≥ 1, or positions`, {
    op,
    parts,
  });
}

/** The ends of `parts` nearly equal pieces. */
function evenEnds(length: number, parts: number): number[] {
  const [least, longer] = [Math.floor(length / parts), length % parts];
  return Array.from({ length: parts }, (_, i) => (i + 1) * least + Math.min(i + 1, longer));
}

/** A position by NumPy's rule: counted from the end if negative, and limited to the axis. */
const within = (at: number, length: number): number =>
  Math.min(Math.max(at < 0 ? at + length : at, 0), length);

/** The most pieces that one array is cut into at once: see `concatenate`, whose gradient this is. */
const maxPieces = 32;

/** The pieces `[from, to)` in ascending order. They are cut in stages, so time and gradients grow as n·log n. */
function cut(x: Tensor, axis: number, pieces: readonly (readonly [number, number])[]): Tensor[] {
  const whole = x.shape.map(() => 0);
  const range = (from: number, to: number): Tensor =>
    slice(x, whole.with(axis, from), x.shape.with(axis, Math.max(from, to)));
  if (pieces.length <= maxPieces) return pieces.map(([from, to]) => range(from, to));
  const run = Math.ceil(pieces.length / maxPieces);
  const results: Tensor[] = [];
  for (let i = 0; i < pieces.length; i += run) {
    const group = pieces.slice(i, i + run);
    const first = Math.min(...group.map(([from]) => from));
    const part = range(first, Math.max(...group.flat()));
    results.push(
      ...cut(
        part,
        axis,
        group.map(([from, to]) => [from - first, to - first]),
      ),
    );
  }
  return results;
}

const checkUnstack = signature('unstack', { x: aTensor, 'axis?': anAxis });

/** The subarrays along an axis, without that axis: the inverse of `stack`. */
export function unstack(x: Tensor, axis = 0): Tensor[] {
  checkUnstack(x, axis);
  const along = normalizeAxis('unstack', axis, x.rank);
  const pieces = x.shape[along] === 0 ? [] : split(x, x.shape[along]!, along);
  return pieces.map((piece) =>
    reshape(
      piece,
      piece.shape.filter((_, i) => i !== along),
    ),
  );
}
