/** From JavaScript values to tensors. */
import { LockstepError } from '@lockstep/errors';
import {
  allocate,
  type DType,
  dtypeOf,
  formatShape,
  isShort,
  type Shape,
  type ShortArray,
  sizeOf,
  type TypedArray,
} from '@lockstep/tensor';
import { ConcreteTensor, Tensor } from './core.ts';
import { beside, madeBy, type Refuse, requireHeld } from './numbers.ts';

export type NumberArray = readonly (number | boolean | NumberArray)[];

/** What ops accept for a tensor. Numbers and nested arrays take the dtype of the tensor beside them. */
export type TensorLike = Tensor | number | NumberArray;

/**
 * A tensor of the given values: a number, nested arrays, or a typed array with its shape. Without a `dtype` numbers become
 * float64; a Float32Array, Float64Array, Int32Array or Uint32Array keeps its type and is not copied; bytes (Uint8Array,
 * Buffer, Uint8ClampedArray, Int8Array) and 16-bit whole numbers become int32. Conditions kept as bytes of 0 and 1 need
 * `dtype: 'bool'`. Throws `dtype` where the type cannot hold a value: `cast` is what cuts and saturates.
 */
export function tensor(
  values: TensorLike | TypedArray | ShortArray,
  options: { dtype?: DType; shape?: Shape } = {},
): Tensor {
  if (values instanceof Tensor) {
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
  // A Buffer is a Uint8Array whose slices behave otherwise.
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return new ConcreteTensor({ dtype, shape, data: bytes });
}

/** `x` as a tensor; a number or nested array takes `dtype`. */
export function asTensor(x: TensorLike, dtype: DType = 'float64'): Tensor {
  return x instanceof Tensor ? x : tensor(x, { dtype });
}

/** What to convert: to float32, which parameters are, before float64; never to a type that cannot hold the other's values. */
function conversion(a: DType, b: DType): string {
  const common = (['float32', 'float64'] as const).find((dtype) => dtype === a || dtype === b);
  if (common !== undefined) return `one with .cast('${common}')`;
  const wide = a === 'bool' ? b : b === 'bool' ? a : undefined;
  return wide === undefined ? "both with .cast('float64')" : `one with .cast('${wide}')`;
}

/** Several operands of one op: values that are not tensors take the dtype of the first that is. */
export function asTensors(op: string, ...values: readonly TensorLike[]): Tensor[] {
  const dtype = values.find((value) => value instanceof Tensor)?.dtype ?? 'float64';
  const tensors = values.map((value) =>
    value instanceof Tensor ? value : fromNested(value, dtype, beside(op)),
  );
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
  return filled(shape, value, dtype, madeBy('full'));
}

/** {@link full} on behalf of an op, which says what to do about a number that the type cannot hold. */
export function filled(shape: Shape, value: number, dtype: DType, refuse: Refuse): Tensor {
  requireLengths('full, zeros, ones', shape);
  requireHeld([value], dtype, refuse);
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
    madeBy('arange'),
  );
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
