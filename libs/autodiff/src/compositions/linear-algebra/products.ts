/** Products of vectors, matrices and arrays of more axes, made of `matmul` and `mul`. */

import { aNumber, either, LockstepError, listOf, signature } from '@lockstep/errors';
import { formatShape, normalizeAxis, sizeOf } from '@lockstep/tensor';
import { asTensors, type TensorLike } from '../../convert.ts';
import { anAxis, someAxes, tensorLike } from '../../kinds.ts';
import { mul, sub } from '../../primitives/elementwise/fusible.ts';
import { matmul } from '../../primitives/linear-algebra/matmul.ts';
import { reshape, transpose } from '../../primitives/shape/reshape.ts';
import type { Tensor } from '../../tensor.ts';
import { ravel } from '../shape/axes.ts';
import { roll } from '../shape/repeating.ts';

const two = (op: string, a: TensorLike, b: TensorLike): [Tensor, Tensor] =>
  asTensors(op, a, b) as [Tensor, Tensor];

const somePairs = either(
  aNumber,
  listOf(someAxes, 'a list of two: the axes of the first and of the second array', 2),
);
const checkTensorDot = signature('tensorDot', { a: tensorLike, b: tensorLike, 'axes?': somePairs });

/**
 * The sum of products over pairs of axes. `axes` lists the axes of each array, or is the number of a's last and b's
 * first axes. The remaining axes follow each other, a's before b's.
 */
export function tensorDot(
  a: TensorLike,
  b: TensorLike,
  axes: number | readonly [number | readonly number[], number | readonly number[]] = 2,
): Tensor {
  checkTensorDot(a, b, axes);
  const [x, y] = two('tensorDot', a, b);
  if (typeof axes !== 'number') return contracted('tensorDot', x, y, axesOf(x, axes[0]), axesOf(y, axes[1]));
  if (!Number.isInteger(axes) || axes < 0 || axes > Math.min(x.rank, y.rank)) {
    throw new LockstepError(
      'shape',
      `tensorDot: ${formatShape(x.shape)} and ${formatShape(y.shape)} do not both have ${axes} axes to sum over; give a whole number up to the smaller rank, or pairs of axes`,
      { op: 'tensorDot', a: x.shape, b: y.shape, axes },
    );
  }
  const run = Array.from({ length: axes }, (_, i) => i);
  return contracted(
    'tensorDot',
    x,
    y,
    run.map((i) => x.rank - axes + i),
    run,
  );
}

const lengths = (x: Tensor, axes: readonly number[]): number[] => axes.map((axis) => x.shape[axis]!);

/** The sum of products over the axes `ofX` and `ofY`; `op` is the name in messages. */
function contracted(
  op: string,
  x: Tensor,
  y: Tensor,
  ofX: readonly number[],
  ofY: readonly number[],
): Tensor {
  if (formatShape(lengths(x, ofX)) !== formatShape(lengths(y, ofY))) {
    throw new LockstepError(
      'shape',
      `${op}: axes ${formatShape(ofX)} of ${formatShape(x.shape)} and axes ${formatShape(ofY)} of ${formatShape(y.shape)} differ in number or length; pair axes of equal length`,
      { op, a: x.shape, b: y.shape, axes: [ofX, ofY] },
    );
  }
  const freeX = x.shape.map((_, axis) => axis).filter((axis) => !ofX.includes(axis));
  const freeY = y.shape.map((_, axis) => axis).filter((axis) => !ofY.includes(axis));
  const inner = sizeOf(lengths(x, ofX));
  const left = reshape(transpose(x, [...freeX, ...ofX]), [sizeOf(lengths(x, freeX)), inner]);
  const right = reshape(transpose(y, [...ofY, ...freeY]), [inner, sizeOf(lengths(y, freeY))]);
  return reshape(matmul(left, right), [...lengths(x, freeX), ...lengths(y, freeY)]);
}

const axesOf = (x: Tensor, axes: number | readonly number[]): number[] =>
  (typeof axes === 'number' ? [axes] : axes).map((axis) => normalizeAxis('tensorDot', axis, x.rank));

const checkInner = signature('inner', { a: tensorLike, b: tensorLike });

/** The sum of products over the last axis of both arrays; with a scalar, the product. [.., n] · [.., n] → [.., ..] */
export function inner(a: TensorLike, b: TensorLike): Tensor {
  checkInner(a, b);
  const [x, y] = two('inner', a, b);
  if (x.rank === 0 || y.rank === 0) return mul(x, y);
  return contracted('inner', x, y, [x.rank - 1], [y.rank - 1]);
}

const checkDot = signature('dot', { a: tensorLike, b: tensorLike });

/**
 * NumPy's dot: the inner product of vectors, the matrix product of matrices, the product with a scalar; otherwise the
 * sum of products over a's last axis and b's last but one.
 */
export function dot(a: TensorLike, b: TensorLike): Tensor {
  checkDot(a, b);
  const [x, y] = two('dot', a, b);
  if (x.rank === 0 || y.rank === 0) return mul(x, y);
  return contracted('dot', x, y, [x.rank - 1], [Math.max(0, y.rank - 2)]);
}

const checkVdot = signature('vdot', { a: tensorLike, b: tensorLike });

/** The inner product of all elements in order. → [] */
export function vdot(a: TensorLike, b: TensorLike): Tensor {
  checkVdot(a, b);
  const [x, y] = two('vdot', a, b);
  return contracted('vdot', ravel(x), ravel(y), [0], [0]);
}

const checkOuter = signature('outer', { a: tensorLike, b: tensorLike });

/** The products of every element of a with every element of b. → [size of a, size of b] */
export function outer(a: TensorLike, b: TensorLike): Tensor {
  checkOuter(a, b);
  const [x, y] = two('outer', a, b);
  return mul(reshape(x, [x.size, 1]), reshape(y, [1, y.size]));
}

const checkKron = signature('kron', { a: tensorLike, b: tensorLike });

/**
 * The Kronecker product: b once for each element of a, multiplied by that element. [n, m] ⊗ [p, q] → [n·p, m·q], any
 * rank
 */
export function kron(a: TensorLike, b: TensorLike): Tensor {
  checkKron(a, b);
  const [x, y] = two('kron', a, b);
  const rank = Math.max(x.rank, y.rank);
  const lengths = (t: Tensor): number[] => [...new Array<number>(rank - t.rank).fill(1), ...t.shape];
  const [blocks, within] = [lengths(x), lengths(y)];
  const product = mul(
    reshape(
      x,
      blocks.flatMap((length) => [length, 1]),
    ),
    reshape(
      y,
      within.flatMap((length) => [1, length]),
    ),
  );
  return reshape(
    product,
    blocks.map((length, axis) => length * within[axis]!),
  );
}

const checkCross = signature('cross', { a: tensorLike, b: tensorLike, 'axis?': anAxis });

/** The cross product of three-dimensional vectors along `axis`; other axes broadcast. [.., 3] × [.., 3] → [.., 3] */
export function cross(a: TensorLike, b: TensorLike, axis = -1): Tensor {
  checkCross(a, b, axis);
  const [x, y] = two('cross', a, b);
  const odd = [x, y].find((t) => t.shape.at(axis) !== 3);
  if (odd !== undefined) {
    throw new LockstepError(
      'shape',
      `cross: axis ${axis} of ${formatShape(odd.shape)} must have length 3; give two-dimensional vectors z = 0`,
      { op: 'cross', shape: odd.shape, axis },
    );
  }
  const turned = (t: Tensor, places: number): Tensor => roll(t, places, axis);
  return sub(mul(turned(x, -1), turned(y, -2)), mul(turned(x, -2), turned(y, -1)));
}
