import { LockstepError } from '@lockstep/errors';

/** Element types. `bool` is one byte an element, 0 or 1. `uint32` holds random bits and keys. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'bool';
export type FloatDType = 'float32' | 'float64';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

export const dtypes = ['float32', 'float64', 'int32', 'uint32', 'bool'] as const satisfies readonly DType[];

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype === 'float32' || dtype === 'float64';
}

export function bytesPerElement(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** A zeroed typed array of `size` elements. */
export function allocate(dtype: DType, size: number): TypedArray {
  return new constructors[dtype](size);
}

/** A view of `size` elements at `byteOffset` of `buffer`; writes go to the buffer. */
export function viewOf(
  dtype: DType,
  buffer: ArrayBuffer | SharedArrayBuffer,
  byteOffset: number,
  size: number,
): TypedArray {
  return new constructors[dtype](buffer as ArrayBuffer, byteOffset, size);
}

export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  if (data instanceof Uint8Array) return 'bool';
  throw new LockstepError(
    'dtype',
    `a ${Object.prototype.toString.call(data)} is not element data; use a Float32Array, Float64Array, Int32Array, Uint32Array or Uint8Array`,
  );
}
