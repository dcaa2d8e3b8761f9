import { LockstepError } from '@lockstep/errors';

/** The lengths of the axes, outermost first; `[]` is a scalar. Data are contiguous in row-major order. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** The distance, in elements, between neighbours along each axis. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** NumPy's broadcasting rule: shapes are aligned at the last axis, and two lengths are equal or one of them is 1. */
export function broadcastShapes(op: string, ...shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const lead = rank - shape.length;
    for (let axis = 0; axis < shape.length; axis++) {
      const length = shape[axis]!;
      const known = result[lead + axis]!;
      if (length === known || length === 1) continue;
      if (known !== 1) {
        throw new LockstepError(
          'shape',
          `${op}: shapes ${shapes.map(formatShape).join(' and ')} do not broadcast: axis ${lead + axis - rank} is ${known} in one and ${length} in another; lengths must be equal or 1`,
          { op, shapes },
        );
      }
      result[lead + axis] = length;
    }
  }
  return result;
}

/** `axis` counted from the front. A negative axis counts from the back. */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank) {
    throw new LockstepError(
      'shape',
      `${op}: axis ${typeof axis === 'string' ? `'${axis}'` : axis} does not exist in an array of rank ${rank}; use ${rank === 0 ? 'no axis' : `${-rank} … ${rank - 1}`}`,
      { op, axis, rank },
    );
  }
  return normal;
}

/** The axes counted from the front, sorted; `undefined` means all axes. A repeated axis is an error. */
export function normalizeAxes(
  op: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const given = Array.isArray(axes) ? (axes as readonly number[]) : [axes as number];
  const list = given.map((axis) => normalizeAxis(op, axis, rank));
  list.sort((a, b) => a - b);
  if (list.some((axis, i) => axis === list[i - 1])) {
    throw new LockstepError(
      'shape',
      `${op}: an axis is named twice in ${formatShape(list)} (counted from the front); name each axis once`,
      {
        op,
        axes: list,
      },
    );
  }
  return list;
}
