import type { StridedAttrs } from '../kernels.ts';

/** A view and its contiguous counterpart with the fewest axes that give the same order of elements, at least two. */
export interface FoldedView {
  readonly shape: readonly number[];
  /** Strides of the contiguous array. */
  readonly dense: readonly number[];
  /** Strides of the view. */
  readonly strides: readonly number[];
}

/** Drops axes of length 1 and joins neighbouring axes that are one axis in both arrays. */
export function foldView({ shape, strides }: StridedAttrs): FoldedView {
  const folded: { length: number; dense: number; stride: number }[] = [];
  let dense = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis]!;
    const stride = strides[axis]!;
    const inner = folded[0];
    if (length === 1) continue;
    if (inner && stride === inner.stride * inner.length) inner.length *= length;
    else folded.unshift({ length, dense, stride });
    dense *= length;
  }
  while (folded.length < 2) folded.unshift({ length: 1, dense: 0, stride: 0 });
  return {
    shape: folded.map((axis) => axis.length),
    dense: folded.map((axis) => axis.dense),
    strides: folded.map((axis) => axis.stride),
  };
}
