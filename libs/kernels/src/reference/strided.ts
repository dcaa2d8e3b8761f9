import type { TypedArray } from '@lockstep/tensor';
import type { StridedAttrs } from '../kernels.ts';

/** Calls `visit` with the offset of every element of the view, in row-major order. */
function forEachOffset({ shape, strides, offset }: StridedAttrs, visit: (offset: number) => void): void {
  const walk = (axis: number, start: number): void => {
    if (axis === shape.length) visit(start);
    else for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, start + i * strides[axis]!);
  };
  walk(0, offset);
}

export function readStrided(out: TypedArray, x: TypedArray, attrs: StridedAttrs): void {
  let i = 0;
  forEachOffset(attrs, (offset) => {
    out[i++] = x[offset]!;
  });
}

export function writeStrided(out: TypedArray, x: TypedArray, attrs: StridedAttrs): void {
  let i = 0;
  forEachOffset(attrs, (offset) => {
    out[offset] = x[i++]!;
  });
}
