/** Conversion of JavaScript values to tensors. */

import {
  aNumber,
  anObject,
  anything,
  checkValue,
  describeValue,
  type Kind,
  LockstepError,
  signature,
} from '@lockstep/errors';
import {
  allocate,
  type DType,
  dtypeOf,
  formatShape,
  isFloat,
  isShort,
  type Shape,
  type ShortArray,
  sizeOf,
  type TypedArray,
  wholeRange,
} from '@lockstep/tensor';
import { aDType, aShape, tensorLike } from './kinds.ts';
import { beside, madeBy, type Refuse, requireHeld } from './numbers.ts';
import { type Aval, ConcreteTensor, Tensor } from './tensor.ts';

export type NumberArray = readonly (number | boolean | NumberArray)[];

/** A value with a type and a shape, such as a tensor. */
export const anAval: Kind = {
  what: 'a tensor, or an object of dtype and shape',
  fits: (value) =>
    value instanceof Tensor ||
    (anObject.fits(value) && aDType.fits((value as Aval).dtype) && aShape.fits((value as Aval).shape)),
};

/** What ops accept for a tensor. Numbers and nested arrays take the dtype of the tensor beside them. */
export type TensorLike = Tensor | number | NumberArray;

const checkTensor = signature('tensor', { values: anything }, { dtype: aDType, shape: aShape });

/**
 * A tensor of the given values: a number, nested arrays, or a typed array with its shape. Without a `dtype`, numbers
 * become float64. A Float32Array, Float64Array, Int32Array or Uint32Array keeps its type and is not copied. Bytes
 * (Uint8Array, Buffer, Uint8ClampedArray, Int8Array) and 16-bit whole numbers become int32. Bytes of 0 and 1 that are
 * conditions need `dtype: 'bool'`. Throws `dtype` where the type cannot hold a value; `cast` is the op that truncates
 * and saturates.
 */
export function tensor(
  values: TensorLike | TypedArray | ShortArray,
  options: { dtype?: DType; shape?: Shape } = {},
): Tensor {
  checkTensor(values, options);
  if (options.shape !== undefined) requireLengths('tensor', options.shape);
  if (values instanceof Tensor) {
    requireOwnShape(values, options.shape);
    if (options.dtype === undefined || options.dtype === values.dtype) return values;
    return fromValues(values.data, values.shape, options.dtype);
  }
  if (ArrayBuffer.isView(values)) return fromTypedArray(values, options);
  const flat: number[] = [];
  const found = shapeOf(values, flat);
  const shape = options.shape ?? found;
  if (sizeOf(shape) !== flat.length) throw wrongLength(flat.length, shape);
  return fromValues(flat, shape, options.dtype ?? 'float64');
}

/** `reshape` makes other shapes, since it has a derivative. */
function requireOwnShape({ shape }: Tensor, wanted: Shape | undefined): void {
  if (wanted === undefined || formatShape(wanted) === formatShape(shape)) return;
  throw new LockstepError(
    'shape',
    `tensor: the given tensor has shape ${formatShape(shape)}, not ${formatShape(wanted)}; use x.reshape(${formatShape(wanted)})`,
    { shape, wanted },
  );
}

function fromNested(values: number | NumberArray, dtype: DType, refuse: Refuse): Tensor {
  const flat: number[] = [];
  const shape = shapeOf(values, flat);
  return fromValues(flat, shape, dtype, refuse);
}

function fromTypedArray(
  data: TypedArray | ShortArray,
  options: { readonly dtype?: DType; readonly shape?: Shape },
): Tensor {
  const own = isShort(data) ? 'int32' : dtypeOf(data);
  const { dtype = own, shape = [data.length] } = options;
  if (sizeOf(shape) !== data.length) throw wrongLength(data.length, shape);
  if (dtype === own && !isShort(data)) return new ConcreteTensor({ dtype, shape, data });
  if (dtype !== 'bool' || !(data instanceof Uint8Array)) return fromValues(data, shape, dtype);
  requireHeld(data, dtype, madeBy('tensor'));
  // A Buffer is a Uint8Array, but its slice() shares memory.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return new ConcreteTensor({ dtype, shape, data: bytes });
}

/** `x` as a tensor; a number or nested array takes `dtype`. */
export function asTensor(x: TensorLike, dtype: DType = 'float64'): Tensor {
  return x instanceof Tensor ? x : tensor(x, { dtype });
}

/**
 * The remedy for two element types that differ: float32, the type of parameters, before float64, and never a type that
 * cannot hold the other's values.
 */
function conversion(a: DType, b: DType): string {
  const common = (['float32', 'float64'] as const).find((dtype) => dtype === a || dtype === b);
  if (common !== undefined) return `one with .cast('${common}')`;
  const wide = a === 'bool' ? b : b === 'bool' ? a : undefined;
  return wide === undefined ? "both with .cast('float64')" : `one with .cast('${wide}')`;
}

/** The operands of one op as tensors: values that are not tensors take the dtype of the first tensor. */
export function asTensors(op: string, ...values: readonly TensorLike[]): Tensor[] {
  const dtype = values.find((value) => value instanceof Tensor)?.dtype ?? 'float64';
  const tensors = values.map((value, i) => {
    if (value instanceof Tensor) return value;
    checkValue(op, values.length === 1 ? 'its argument' : `argument ${i}`, value, tensorLike);
    return fromNested(value, dtype, beside(op));
  });
  for (const x of tensors) {
    if (x.dtype !== dtype) {
      throw new LockstepError(
        'dtype',
        `${op}: element types differ: ${dtype} and ${x.dtype}; convert ${conversion(dtype, x.dtype)}`,
        { op, dtypes: tensors.map((t) => t.dtype) },
      );
    }
  }
  return tensors;
}

/** The operand of an op with one argument. */
export const operand = (op: string, x: TensorLike): Tensor =>
  x instanceof Tensor ? x : asTensors(op, x)[0]!;

/** Throws unless the shape is one that an array can have: whole lengths ≥ 0. */
export function requireLengths(op: string, shape: Shape): void {
  requireShape(op, shape);
  if (shape.every((length) => Number.isInteger(length) && length >= 0)) return;
  throw new LockstepError(
    'argument',
    `${op}: an array cannot have the shape ${formatShape(shape)}; lengths are whole numbers ≥ 0 (only reshape computes a length of -1)`,
    { op, shape },
  );
}

/** Throws unless the shape is a list: callers without types may give `zeros(3)` or `x.reshape(2, 3)`. */
export function requireShape(op: string, shape: unknown): void {
  if (Array.isArray(shape)) return;
  throw new LockstepError('argument', `${op}: a shape is a list of lengths such as [2, 3], not ${shape}`, {
    op,
    shape,
  });
}

const checkFull = signature('full', { shape: aShape, value: aNumber, 'dtype?': aDType });

/** A tensor with the same value everywhere. */
export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  checkFull(shape, value, dtype);
  return filled(shape, value, dtype, madeBy('full'));
}

/** {@link full} on behalf of an op, which chooses the error for a number that the type cannot hold. */
export function filled(shape: Shape, value: number, dtype: DType, refuse: Refuse): Tensor {
  requireLengths('full, zeros, ones', shape);
  requireHeld([value], dtype, refuse);
  const data = allocate(dtype, sizeOf(shape));
  if (!Object.is(value, 0)) data.fill(value);
  return new ConcreteTensor({ dtype, shape: [...shape], data });
}

const checkZeros = signature('zeros', { shape: aShape, 'dtype?': aDType });

/** A tensor of zeros. */
export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  checkZeros(shape, dtype);
  return full(shape, 0, dtype);
}
const checkOnes = signature('ones', { shape: aShape, 'dtype?': aDType });

/** A tensor of ones. */
export function ones(shape: Shape, dtype: DType = 'float32'): Tensor {
  checkOnes(shape, dtype);
  return full(shape, 1, dtype);
}
const checkZerosLike = signature('zerosLike', { x: anAval });

/** Zeros of the shape and type of `x`. */
export function zerosLike(x: { shape: Shape; dtype: DType }): Tensor {
  checkZerosLike(x);
  return full(x.shape, 0, x.dtype);
}
const checkOnesLike = signature('onesLike', { x: anAval });

/** Ones of the shape and type of `x`. */
export function onesLike(x: { shape: Shape; dtype: DType }): Tensor {
  checkOnesLike(x);
  return full(x.shape, 1, x.dtype);
}

const checkArange = signature('arange', { n: aNumber, 'dtype?': aDType });

/** 0, 1, …, n − 1. [n] */
export function arange(n: number, dtype: DType = 'float32'): Tensor {
  checkArange(n, dtype);
  requireLengths('arange', [n]);
  requireHeld(firstMisfits(n, dtype), dtype, madeBy('arange'));
  const data = allocate(dtype, n);
  for (let i = 0; i < n; i++) data[i] = i;
  return new ConcreteTensor({ dtype, shape: [n], data });
}

/** The first of 0 … n − 1 that the type cannot hold; the numbers grow, so the others follow it. */
function firstMisfits(n: number, dtype: DType): number[] {
  if (isFloat(dtype)) return [];
  const beyond = wholeRange(dtype)[1] + 1;
  return n > beyond ? [beyond] : [];
}

function fromValues(
  values: ArrayLike<number> & Iterable<number>,
  shape: Shape,
  dtype: DType,
  refuse: Refuse = madeBy('tensor'),
): Tensor {
  requireHeld(values, dtype, refuse);
  const data = allocate(dtype, values.length);
  data.set(values);
  return new ConcreteTensor({ dtype, shape: [...shape], data });
}

/** More axes than any array has. */
const maxDepth = 64;

/** The shape of nested arrays; appends their numbers to `flat` in order. */
function shapeOf(values: number | boolean | NumberArray, flat: number[], depth = 0): number[] {
  if (typeof values === 'number' || typeof values === 'boolean') {
    flat.push(Number(values));
    return [];
  }
  if (!Array.isArray(values)) {
    throw new LockstepError(
      'argument',
      `a tensor is made of numbers and nested arrays of numbers, not of ${describeValue(values)}`,
      { value: describeValue(values) },
    );
  }
  if (depth > maxDepth) {
    throw new LockstepError(
      'argument',
      `nested arrays are more than ${maxDepth} deep; does one contain itself?`,
    );
  }
  let inner: number[] | undefined;
  for (const item of values as NumberArray) {
    const shape = shapeOf(item, flat, depth + 1);
    if (inner !== undefined && formatShape(inner) !== formatShape(shape)) {
      throw new LockstepError(
        'shape',
        `nested arrays are ragged: one element has shape ${formatShape(inner)} and another ${formatShape(shape)}; make all rows equally long`,
        { shapes: [inner, shape] },
      );
    }
    inner = shape;
  }
  return [values.length, ...(inner ?? [])];
}

function wrongLength(length: number, shape: Shape): LockstepError {
  return new LockstepError(
    'shape',
    `${length} values do not fill the shape ${formatShape(shape)}, which holds ${sizeOf(shape)}`,
    { length, shape },
  );
}
