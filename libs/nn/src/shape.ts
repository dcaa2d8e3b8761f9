/** Layers that only arrange the elements of a row anew. */
import type { Tensor } from '@lockstep/autodiff';
import type { Shape } from '@lockstep/tensor';
import { type Empty, type Layer, weightless } from './layer.ts';

/** [rows, ..] → [rows, product of the rest] */
export function flatten(x: Tensor): Tensor {
  return x.reshape([x.shape[0]!, -1]);
}

/** Rows of another shape with the same elements; one length may be −1. [rows, ..] → [rows, ..shape] */
export const unflatten = (...shape: Shape): Layer<Empty, Empty> =>
  weightless('unflatten', (x) => x.reshape([x.shape[0]!, ...shape]));

/** The axes of a row in another order, counted without the batch axis: `permute(1, 0)` swaps the two of [time, C]. */
export const permute = (...axes: readonly number[]): Layer<Empty, Empty> =>
  weightless('permute', (x) => x.transpose([0, ...axes.map((axis) => axis + 1)]));
