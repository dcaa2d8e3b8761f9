import { allocate, type DType, type TypedArray } from './dtype.ts';
import { type Shape, sizeOf } from './shape.ts';

/** The elements of an array: contiguous, row-major. */
export interface Storage {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

export function allocateStorage(dtype: DType, shape: Shape): Storage {
  return { dtype, shape, data: allocate(dtype, sizeOf(shape)) };
}
