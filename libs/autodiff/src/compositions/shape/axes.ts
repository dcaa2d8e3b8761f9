/** Axes inserted, removed and moved: short names for uses of reshape and transpose. */

import { LockstepError, listOf, oneOf, type Rules, signature } from '@lockstep/errors';
import { broadcastShapes, formatShape, normalizeAxes, normalizeAxis } from '@lockstep/tensor';
import { anAxis, aTensor, someAxes } from '../../kinds.ts';
import { broadcastInAxes, broadcastTo } from '../../primitives/reduce/sum.ts';
import { reshape, transpose } from '../../primitives/shape/reshape.ts';
import type { Tensor } from '../../tensor.ts';

const checkExpandDims = signature('expandDims', { x: aTensor, axes: someAxes });

/** x with new axes of length 1 at these places of the result. */
export function expandDims(x: Tensor, axes: number | readonly number[]): Tensor {
  checkExpandDims(x, axes);
  const list = typeof axes === 'number' ? [axes] : axes;
  const places = normalizeAxes('expandDims', list, x.rank + list.length);
  const shape = [...x.shape];
  for (const place of places) shape.splice(place, 0, 1);
  return reshape(x, shape);
}

const checkSqueeze = signature('squeeze', { x: aTensor, 'axes?': someAxes });

/** x without its axes of length 1: all of them, or those named. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  checkSqueeze(x, axes);
  const list = normalizeAxes('squeeze', axes, x.rank).filter(
    (axis) => axes !== undefined || x.shape[axis] === 1,
  );
  const long = list.find((axis) => x.shape[axis] !== 1);
  if (long !== undefined) {
    throw new LockstepError(
      'shape',
      `squeeze: axis ${long} of ${formatShape(x.shape)} has length ${x.shape[long]}, not 1; index it with at() or reduce it`,
      { op: 'squeeze', shape: x.shape, axis: long },
    );
  }
  return reshape(
    x,
    x.shape.filter((_, axis) => !list.includes(axis)),
  );
}

const checkRavel = signature('ravel', { x: aTensor });

/** All elements along one axis, row by row. */
export function ravel(x: Tensor): Tensor {
  checkRavel(x);
  return reshape(x, [x.size]);
}

const checkSwapAxes = signature('swapAxes', { x: aTensor, axis1: anAxis, axis2: anAxis });

/** x with two axes exchanged. */
export function swapAxes(x: Tensor, axis1: number, axis2: number): Tensor {
  checkSwapAxes(x, axis1, axis2);
  const [a, b] = [normalizeAxis('swapAxes', axis1, x.rank), normalizeAxis('swapAxes', axis2, x.rank)];
  return transpose(
    x,
    x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis)),
  );
}

const checkMoveAxis = signature('moveAxis', { x: aTensor, from: someAxes, to: someAxes });

/** x with the axes `from` moved to the places `to`; the others keep their order. */
export function moveAxis(
  x: Tensor,
  from: number | readonly number[],
  to: number | readonly number[],
): Tensor {
  checkMoveAxis(x, from, to);
  const [sources, places] = [from, to].map((list) =>
    (typeof list === 'number' ? [list] : (list as readonly number[])).map((axis) =>
      normalizeAxis('moveAxis', axis, x.rank),
    ),
  ) as [number[], number[]];
  if (
    sources.length !== places.length ||
    new Set(sources).size + new Set(places).size !== 2 * sources.length
  ) {
    throw new LockstepError(
      'argument',
      `moveAxis: axes ${formatShape(sources)} to places ${formatShape(places)} of ${formatShape(x.shape)}; name as many places as axes, each once`,
      { op: 'moveAxis', from: sources, to: places },
    );
  }
  const order = x.shape.map((_, axis) => axis).filter((axis) => !sources.includes(axis));
  const moves = sources.map((source, i) => ({ source, place: places[i]! }));
  for (const { source, place } of moves.sort((a, b) => a.place - b.place)) order.splice(place, 0, source);
  return transpose(x, order);
}

const checkBroadcastArrays = signature('broadcastArrays', { '...xs': aTensor });

/** All arrays repeated to their common broadcast shape. */
export function broadcastArrays(...xs: readonly Tensor[]): Tensor[] {
  checkBroadcastArrays(...xs);
  const shape = broadcastShapes('broadcastArrays', ...xs.map((x) => x.shape));
  return xs.map((x) => broadcastTo(x, shape));
}

export interface MeshgridOptions {
  /**
   * 'xy': the first vector runs along axis 1 and the second along axis 0, as in pictures; 'ij': each vector runs along
   * its own axis. Default 'xy'.
   */
  readonly indexing?: 'xy' | 'ij';
}

export const meshgridRules: Rules<MeshgridOptions> = { indexing: oneOf('xy', 'ij') };

const checkMeshgrid = signature('meshgrid', { vectors: listOf(aTensor, 'a list of tensors') }, meshgridRules);

/** The coordinates of a grid: for each vector an array that varies along one axis only. */
export function meshgrid(vectors: readonly Tensor[], options: MeshgridOptions = {}): Tensor[] {
  checkMeshgrid(vectors, options);
  const { indexing = 'xy' } = options;
  const odd = vectors.find((x) => x.rank !== 1);
  if (odd !== undefined) {
    throw new LockstepError('shape', `meshgrid: takes vectors, not ${formatShape(odd.shape)}; use ravel()`, {
      op: 'meshgrid',
      shape: odd.shape,
    });
  }
  const axisOf = (i: number): number => (indexing === 'xy' && i < 2 && vectors.length > 1 ? 1 - i : i);
  const shape = vectors.map((_, axis) => vectors[axisOf(axis)]!.size);
  return vectors.map((x, i) => broadcastInAxes(x, shape, [axisOf(i)]));
}
