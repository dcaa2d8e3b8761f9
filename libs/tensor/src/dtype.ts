import { LockstepError } from '@lockstep/errors';

/** Element types. An element of `bool` is one byte, 0 or 1. `uint32` holds random bits and keys. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint32' | 'bool';
export type FloatDType = 'float32' | 'float64';

/** Storage of the element types, in the order of {@link DType}. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Typed arrays of integers of 8 and 16 bits. They are not storage of an element type; their values become int32. */
export type ShortArray = Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array;

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

const wholeRanges = {
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
  bool: [0, 1],
} as const satisfies Record<Exclude<DType, FloatDType>, readonly [number, number]>;

/** The least and the largest number of an integer type or bool. */
export const wholeRange = (dtype: Exclude<DType, FloatDType>): readonly [number, number] =>
  wholeRanges[dtype];

/** Whether the type can hold the number. Floats hold any number, rounded; the others hold integers of their range. */
export function holds(dtype: DType, value: number): boolean {
  if (isFloat(dtype)) return true;
  const [lowest, highest] = wholeRanges[dtype];
  return Number.isInteger(value) && value >= lowest && value <= highest;
}

/** The numbers that an integer type or bool holds, in words. */
export function heldBy(dtype: Exclude<DType, FloatDType>): string {
  const [lowest, highest] = wholeRanges[dtype];
  return dtype === 'bool' ? '0 and 1' : `whole numbers from ${lowest} to ${highest}`;
}

export function bytesPerElement(dtype: DType): number {
  return constructors[dtype].BYTES_PER_ELEMENT;
}

/** A zeroed typed array of `size` elements. @throws LockstepError `shape` for more than the engine can hold. */
export function allocate(dtype: DType, size: number): TypedArray {
  try {
    return new constructors[dtype](size);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const gibibytes = (size * bytesPerElement(dtype)) / 2 ** 30;
    throw new LockstepError(
      'shape',
      `an array of ${size} elements of ${dtype} takes ${gibibytes.toPrecision(3)} GiB, more than this process can allocate; use smaller arrays, or process one part after the other`,
      { dtype, size },
      { cause },
    );
  }
}

/** A view of `size` elements at `byteOffset` of `buffer`. */
export function viewOf(
  dtype: DType,
  buffer: ArrayBuffer | SharedArrayBuffer,
  byteOffset: number,
  size: number,
): TypedArray {
  return new constructors[dtype](buffer as ArrayBuffer, byteOffset, size);
}

/** Whether the array holds integers of 8 or 16 bits, such as pixels. A Uint8Array does, unless it is known to be bool. */
export function isShort(data: ArrayBufferView): data is ShortArray {
  return (
    data instanceof Uint8Array ||
    data instanceof Uint8ClampedArray ||
    data instanceof Int8Array ||
    data instanceof Int16Array ||
    data instanceof Uint16Array
  );
}

/** The element type that the array stores. */
export function dtypeOf(data: TypedArray): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  if (data instanceof Uint8Array) return 'bool';
  throw new LockstepError(
    'dtype',
    `a ${Object.prototype.toString.call(data)} is not element data; use a Float32Array, Float64Array, Int32Array, Uint32Array or Uint8Array, or convert its elements with Array.from(array, Number)`,
  );
}
