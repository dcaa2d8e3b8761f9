/** Checks before native calls. The native kernels do not check their arguments, so a wrong call would crash the process. */
import { LockstepError } from '@lockstep/errors';
import type { TypedArray } from '@lockstep/tensor';
import type { Conv2dAttrs, Operand, PoolAttrs } from '../kernels.ts';

export const isFloats = (array: TypedArray): array is Float32Array => array instanceof Float32Array;
export const isBools = (array: TypedArray): array is Uint8Array => array instanceof Uint8Array;
/** The native side holds shapes as 32-bit integers. */
const MAX_ELEMENTS = 2 ** 31 - 1;

/** @throws LockstepError `shape` unless the array has at least `length` elements, and 32 bits can count them. */
export function requireLength(op: string, name: string, array: TypedArray, length: number): void {
  if (array.length >= length && length <= MAX_ELEMENTS) return;
  throw new LockstepError(
    'shape',
    `${op}: ${name} has ${array.length} elements, its shape needs ${length} (at most ${MAX_ELEMENTS})`,
    { op, name, length: array.length, expected: length },
  );
}

/** Checks a table of any size. @throws LockstepError `shape` unless the array holds all its rows. */
export function requireRows(
  op: string,
  name: string,
  array: TypedArray,
  { rows, width }: { readonly rows: number; readonly width: number },
): void {
  if (rows >= 0 && width >= 0 && array.length >= rows * width) return;
  throw new LockstepError(
    'shape',
    `${op}: ${name} has ${array.length} elements, too few for ${rows} rows of ${width}`,
    { op, name, length: array.length, rows, width },
  );
}

/** @throws LockstepError `shape` if the operand's data are shorter than its period. */
export function requireOperand(op: string, { data, repeat, period }: Operand): void {
  if (repeat >= 1 && period >= 1 && data.length >= period) return;
  if (data.length === 0 && period === 0) return;
  throw new LockstepError(
    'shape',
    `${op}: an operand of repeat ${repeat} and period ${period} has ${data.length} elements; repeat and period are at least 1, and the data need a whole period`,
    { op, repeat, period, length: data.length },
  );
}

/** @throws LockstepError `shape` if the view reaches outside the array. */
export function requireView(
  op: string,
  array: TypedArray,
  { lowest, highest }: { readonly lowest: number; readonly highest: number },
): void {
  if (lowest >= 0 && highest < array.length) return;
  throw new LockstepError(
    'shape',
    `${op}: the view reaches from ${lowest} to ${highest} in an array of ${array.length} elements`,
    { op, lowest, highest, length: array.length },
  );
}

/** @throws LockstepError `shape` unless every window lies inside the image. */
export function requireWindows(op: string, p: PoolAttrs): void {
  const bottom = (p.outHeight - 1) * p.strideY + p.windowHeight;
  const right = (p.outWidth - 1) * p.strideX + p.windowWidth;
  if (bottom <= p.height && right <= p.width) return;
  throw new LockstepError(
    'shape',
    `${op}: windows reach row ${bottom} and column ${right} of an image of ${p.height} × ${p.width}; there is no padding`,
    { op, bottom, right, height: p.height, width: p.width },
  );
}

/** Elements of x, kernel and y of a convolution. */
export function convSizes(c: Conv2dAttrs) {
  return {
    x: c.batch * c.height * c.width * c.inChannels,
    kernel: c.kernelHeight * c.kernelWidth * c.inChannels * c.outChannels,
    y: c.batch * c.outHeight * c.outWidth * c.outChannels,
  };
}
