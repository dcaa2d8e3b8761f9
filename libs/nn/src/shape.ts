/** Layers that only rearrange the elements of a row. */

import type { Tensor } from '@lockstep/autodiff';
import { aNumber, type Kind, signature, whole } from '@lockstep/errors';
import type { Shape } from '@lockstep/tensor';
import { aTensor } from './kinds.ts';
import { type Empty, type Layer, weightless } from './layer.ts';

const rows: Kind = {
  what: 'a tensor [rows, ..]',
  fits: (value) => aTensor.fits(value) && (value as Tensor).rank > 0,
};
const checkFlatten = signature('flatten', { x: rows });

/** [rows, ..] → [rows, product of the rest] */
export function flatten(x: Tensor): Tensor {
  checkFlatten(x);
  return x.reshape([x.shape[0]!, -1]);
}

const checkUnflatten = signature('unflatten', { '...shape': aNumber });

/** Rows of another shape with the same elements; one length may be −1. [rows, ..] → [rows, ..shape] */
export function unflatten(...shape: Shape): Layer<Empty, Empty> {
  checkUnflatten(...shape);
  return weightless('unflatten', (x) => x.reshape([x.shape[0]!, ...shape]));
}

const checkPermute = signature('permute', { '...axes': whole(0) });

/** Permutes the axes of a row, counted without the batch axis: `permute(1, 0)` swaps the two of [time, C]. */
export function permute(...axes: readonly number[]): Layer<Empty, Empty> {
  checkPermute(...axes);
  return weightless('permute', (x) => x.transpose([0, ...axes.map((axis) => axis + 1)]));
}
