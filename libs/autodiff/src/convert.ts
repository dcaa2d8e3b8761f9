/** From JavaScript values to tensors. */

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
  type Shape,
  sizeOf,
  type TypedArray,
} from '@lockstep/tensor';
import { type Aval, ConcreteTensor, Tensor } from './core.ts';
import { aDType, aShape, tensorLike } from './kinds.ts';

export type NumberArray = readonly (number | boolean | NumberArray)[];

/** What has a type and a shape, such as a tensor. */
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
 * A tensor of the given values: a number, nested arrays, or a typed array with its shape (which is kept, not copied).
 * Without a `dtype` numbers become float64 and a typed array keeps its own type.
 */
export function tensor(
  values: TensorLike | TypedArray,
  options: { dtype?: DType; shape?: Shape } = {},
): Tensor {
  checkTensor(values, options);
  if (values instanceof Tensor) {
    if (options.dtype === undefined || options.dtype === values.dtype) return values;
    return fromValues(Array.from(values.data), values.shape, options.dtype);
  }
  if (ArrayBuffer.isView(values)) {
    const data = values as TypedArray;
    const shape = options.shape ?? [data.length];
    if (sizeOf(shape) !== data.length) throw wrongLength(data.length, shape);
    const dtype = dtypeOf(data);
    if (options.dtype === undefined || options.dtype === dtype)
      return new ConcreteTensor({ dtype, shape, data });
    return fromValues(Array.from(data), shape, options.dtype);
  }
  const flat: number[] = [];
  const found = shapeOf(values as number | NumberArray, flat);
  const shape = options.shape ?? found;
  if (sizeOf(shape) !== flat.length) throw wrongLength(flat.length, shape);
  return fromValues(flat, shape, options.dtype ?? 'float64');
}

/** `x` as a tensor; a number or nested array takes `dtype`. */
export function asTensor(x: TensorLike, dtype: DType = 'float64'): Tensor {
  return x instanceof Tensor ? x : tensor(x, { dtype });
}

/** What to convert to: float32, which parameters are, before float64, and floats before others. */
const common = (a: DType, b: DType): DType =>
  (['float32', 'float64'] as const).find((dtype) => dtype === a || dtype === b) ?? a;

/** Several operands of one op: values that are not tensors take the dtype of the first that is. */
export function asTensors(op: string, ...values: readonly TensorLike[]): Tensor[] {
  const dtype = values.find((value) => value instanceof Tensor)?.dtype ?? 'float64';
  const tensors = values.map((value, i) => {
    if (value instanceof Tensor) return value;
    checkValue(op, values.length === 1 ? 'its argument' : `argument ${i}`, value, tensorLike);
    return asTensor(value, dtype);
  });
  for (const x of tensors) {
    if (x.dtype !== dtype) {
      throw new LockstepError(
        'dtype',
        `${op}: element types differ: ${dtype} and ${x.dtype}; convert one with .cast('${common(dtype, x.dtype)}')`,
        { op, dtypes: tensors.map((t) => t.dtype) },
      );
    }
  }
  return tensors;
}

/** The operand of an op of one. */
export const operand = (op: string, x: TensorLike): Tensor =>
  x instanceof Tensor ? x : asTensors(op, x)[0]!;

/** Whole lengths ≥ 0: a shape that an array can have. */
export function requireLengths(op: string, shape: Shape): void {
  requireShape(op, shape);
  if (shape.every((length) => Number.isInteger(length) && length >= 0)) return;
  throw new LockstepError(
    'argument',
    `${op}: ${formatShape(shape)} is no shape of an array; lengths are whole numbers ≥ 0 (reshape alone computes a length of -1)`,
    { op, shape },
  );
}

/** For callers without types, who may give `zeros(3)` or `x.reshape(2, 3)`. */
export function requireShape(op: string, shape: unknown): void {
  if (Array.isArray(shape)) return;
  throw new LockstepError('argument', `${op}: a shape is a list of lengths such as [2, 3], not ${shape}`, {
    op,
    shape,
  });
}

const checkFull = signature('full', { shape: aShape, value: aNumber, 'dtype?': aDType });

export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  checkFull(shape, value, dtype);
  requireLengths('full, zeros, ones', shape);
  const data = allocate(dtype, sizeOf(shape));
  if (!Object.is(value, 0)) data.fill(value);
  return new ConcreteTensor({ dtype, shape: [...shape], data });
}

const checkZeros = signature('zeros', { shape: aShape, 'dtype?': aDType });

export function zeros(shape: Shape, dtype: DType = 'float32'): Tensor {
  checkZeros(shape, dtype);
  return full(shape, 0, dtype);
}
const checkOnes = signature('ones', { shape: aShape, 'dtype?': aDType });

export function ones(shape: Shape, dtype: DType = 'float32'): Tensor {
  checkOnes(shape, dtype);
  return full(shape, 1, dtype);
}
const checkZerosLike = signature('zerosLike', { x: anAval });

export function zerosLike(x: { shape: Shape; dtype: DType }): Tensor {
  checkZerosLike(x);
  return full(x.shape, 0, x.dtype);
}
const checkOnesLike = signature('onesLike', { x: anAval });

export function onesLike(x: { shape: Shape; dtype: DType }): Tensor {
  checkOnesLike(x);
  return full(x.shape, 1, x.dtype);
}

const checkArange = signature('arange', { n: aNumber, 'dtype?': aDType });

/** 0, 1, …, n − 1. [n] */
export function arange(n: number, dtype: DType = 'float32'): Tensor {
  checkArange(n, dtype);
  requireLengths('arange', [n]);
  return fromValues(
    Array.from({ length: n }, (_, i) => i),
    [n],
    dtype,
  );
}

function fromValues(values: readonly number[], shape: Shape, dtype: DType): Tensor {
  const data = allocate(dtype, values.length);
  data.set(values);
  return new ConcreteTensor({ dtype, shape: [...shape], data });
}

/** More axes than any array has. */
const maxDepth = 64;

/** The shape of nested arrays; their numbers go to `flat` in order. */
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
