/** From JavaScript values to tensors. */
import { LockstepError } from '@lockstep/errors';
import {
  allocate,
  type DType,
  dtypeOf,
  formatShape,
  type Shape,
  sizeOf,
  type TypedArray,
} from '@lockstep/tensor';
import { ConcreteTensor, Tensor } from './core.ts';

export type NumberArray = readonly (number | boolean | NumberArray)[];

/** What ops accept for a tensor. Numbers and nested arrays take the dtype of the tensor beside them. */
export type TensorLike = Tensor | number | NumberArray;

/**
 * A tensor of the given values: a number, nested arrays, or a typed array with its shape (which is kept, not copied).
 * Without a `dtype` numbers become float64 and a typed array keeps its own type.
 */
export function tensor(
  values: TensorLike | TypedArray,
  options: { dtype?: DType; shape?: Shape } = {},
): Tensor {
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
  const tensors = values.map((value) => asTensor(value, dtype));
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

export function full(shape: Shape, value: number, dtype: DType = 'float32'): Tensor {
  requireLengths('full, zeros, ones', shape);
  const data = allocate(dtype, sizeOf(shape));
  if (!Object.is(value, 0)) data.fill(value);
  return new ConcreteTensor({ dtype, shape: [...shape], data });
}

export const zeros = (shape: Shape, dtype: DType = 'float32'): Tensor => full(shape, 0, dtype);
export const ones = (shape: Shape, dtype: DType = 'float32'): Tensor => full(shape, 1, dtype);
export const zerosLike = (x: { shape: Shape; dtype: DType }): Tensor => full(x.shape, 0, x.dtype);
export const onesLike = (x: { shape: Shape; dtype: DType }): Tensor => full(x.shape, 1, x.dtype);

/** 0, 1, …, n − 1. [n] */
export function arange(n: number, dtype: DType = 'float32'): Tensor {
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

/** The shape of nested arrays; their numbers go to `flat` in order. */
function shapeOf(values: number | boolean | NumberArray, flat: number[]): number[] {
  if (typeof values === 'number' || typeof values === 'boolean') {
    flat.push(Number(values));
    return [];
  }
  if (!Array.isArray(values)) {
    throw new LockstepError(
      'argument',
      `a tensor is made of numbers and nested arrays of numbers, not of ${values === null ? 'null' : typeof values}`,
      { value: String(values) },
    );
  }
  let inner: number[] | undefined;
  for (const item of values as NumberArray) {
    const shape = shapeOf(item, flat);
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
